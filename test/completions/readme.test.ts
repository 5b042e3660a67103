// SPDX-License-Identifier: MIT
// The lines of README.md that make shells complete after an installation by npm, as a user with a fresh HOME types them.
// Needs `npm run build`.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { ownDirectory } from '../helpers/own-directory.ts';
import { tied } from '../helpers/tied.ts';
import { PATIENCE_S } from '../helpers/wait.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const capture = fileURLToPath(new URL('capture.zsh', import.meta.url));
const home = ownDirectory(t);

// an installation by npm: the checkout has what a package has
const prefix = join(home, 'prefix');
mkdirSync(join(prefix, 'lib/node_modules'), { recursive: true });
symlinkSync(root, join(prefix, 'lib/node_modules/smc-tools'));
mkdirSync(join(prefix, 'bin'));
symlinkSync(join(root, 'bin/smcss'), join(prefix, 'bin/smcss'));

async function run(file: string, ...argv: string[]): Promise<string> {
  const variables = {
    PATH: `${join(prefix, 'bin')}:${process.env['PATH']}`,
    HOME: home,
    TERM: 'dumb',
    LC_ALL: 'C.UTF-8',
    NPM_CONFIG_PREFIX: prefix,
  };
  const environment = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const { stdout } = await promisify(execFile)(...tied('env', ['-i', ...environment, file, ...argv]), {
    cwd: home,
    timeout: PATIENCE_S * 1000,
  });
  return stdout.trim();
}

/** The lines of code that follow a line of README.md with these words at its end. */
function linesAfter(words: string): string[] {
  const [, code = ''] =
    new RegExp(`${words}\n\n((?: {4}.*\n)+)`).exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  return code
    .split('\n')
    .filter(Boolean)
    .map((line) => line.trim());
}

t.test('bash and fish', async (t) => {
  const lines = linesAfter('After an installation by npm:');
  t.equal(lines.length, 3);
  t.equal(await run('zsh', '-f', capture, 'bash', 'smcss --lis'), '', 'nothing before that');
  await run('sh', '-e', '-c', lines.join('\n'));
  t.equal(await run('zsh', '-f', capture, 'bash', 'smcss --lis'), '--listening');
  const offered = await run('fish', '-c', 'complete -C $argv[1]', 'smcss --lis');
  t.match(offered, /^--listening\t\S[^\n]*$/, 'with what the option does');
});

t.test('zsh', async (t) => {
  const [line = '', ...others] = linesAfter('with the output of `npm root -g` in place of PATH:');
  t.match(line, 'PATH/');
  t.same(others, []);
  t.equal(await run('zsh', '-f', capture, 'zsh', 'smcss --lis'), '', 'nothing before that');
  writeFileSync(join(home, '.zshrc'), `${line.replace('PATH', await run('npm', 'root', '-g'))}\n`);
  t.equal(await run('zsh', '-f', capture, 'zsh', 'smcss --lis'), '--listening');
});
