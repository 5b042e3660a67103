// SPDX-License-Identifier: MIT
// Replies of real kernels (recorded by test/vm/record-fixtures.ts) give the same output, byte for byte.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { CommandDefinition } from '../src/cli/run.ts';
import { SUITE } from '../src/commands/smc_dbg/suite.ts';
import { player } from '../src/recording/player.ts';
import { parseRecording } from '../src/recording/recording.ts';
import { runCommand } from './helpers/run-command.ts';
import type { Expected } from './vm/record-fixtures.ts';

const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));

const definition = async (name: string): Promise<CommandDefinition> => SUITE[name]!();

const scenes = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name, 'expected.json')));
t.ok(scenes.length >= 3, 'recordings of several kernels');

for (const scene of scenes.sort())
  t.test(scene, async (t) => {
    const directory = join(fixtures, scene);
    const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
    const { runs } = JSON.parse(read('expected.json')) as Expected;
    for (const { argv, recording, stdout, stderr, status } of runs) {
      const [name = '', ...words] = argv;
      const command = await definition(name);
      // a bundle takes no changes, so each of those has a recording of its own
      const outcome = recording
        ? await runCommand(command, words, {
            transport: player(parseRecording(read(recording))),
            hostRoot: join(directory, 'host'),
          })
        : await runCommand(command, [...words, '--from', directory]);
      t.strictSame(outcome, { status, stdout, stderr }, argv.join(' '));
    }

    const { parts } = JSON.parse(read('manifest.json')) as { parts: { file: string; command: string[] }[] };
    for (const { file, command } of parts) {
      const isAlone = parts.filter((part) => part.file === file).length === 1;
      if (!isAlone) continue;
      const [name = '', ...words] = command;
      const { stdout } = await runCommand(await definition(name), [...words, '--from', directory]);
      t.equal(stdout, read(file), `${file} in the bundle`);
    }
  });
