// SPDX-License-Identifier: MIT
/**
 * Writes dist/completions/{bash,zsh,fish}, one file per command and shell. All three shells find them by the command's
 * name. Part of the build.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Syntax } from '../../src/cli/options.ts';
import { bash } from './bash.ts';
import { fish } from './fish.ts';
import { modelOf } from './model.ts';
import { zsh } from './zsh.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = join(root, 'dist/completions');
const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
};

rmSync(directory, { recursive: true, force: true });
for (const name of Object.keys(bin)) {
  const exports = Object.values(await import(`../../src/commands/${name}/command.ts`)) as Syntax[];
  const syntax = exports.find((value) => value?.name === name && value.options);
  if (!syntax) throw new Error(`src/commands/${name}/command.ts exports no command ${name}`);
  const model = await modelOf(syntax);
  for (const [file, text] of Object.entries({
    [`bash/${name}`]: bash(model),
    [`zsh/_${name}`]: zsh(model),
    [`fish/${name}.fish`]: fish(model),
  })) {
    mkdirSync(join(directory, dirname(file)), { recursive: true });
    writeFileSync(join(directory, file), text);
  }
}
