// SPDX-License-Identifier: MIT
// Replies of real kernels (recorded by test/vm/record-fixtures.ts) give the same output, byte for byte.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { extract } from 'tar';
import type { CommandDefinition } from '../src/cli/run.ts';
import { smcDbg } from '../src/commands/smc_dbg/command.ts';
import { SUITE } from '../src/commands/smc_dbg/suite.ts';
import type { BundleManifest } from '../src/documents/smc_dbg.ts';
import { player } from '../src/recording/player.ts';
import { parseRecording } from '../src/recording/recording.ts';
import { ownDirectory } from './helpers/own-directory.ts';
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
    // smc_run records nothing; smc_dbg and, as a part of its bundle, smc_conf follow below
    const wanted = ['smc_chk', 'smc_pnet', 'smc_rnics', 'smcd', 'smcr', 'smcss'];
    t.strictSame([...new Set(runs.map(({ argv: [name] }) => name))].sort(), wanted, 'all commands');
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

    const { parts } = JSON.parse(read('manifest.json')) as BundleManifest;
    t.ok(parts.length > 0, 'the bundle has parts');
    t.strictSame(
      [...new Set(parts.map(({ command: [name = ''] }) => name))].sort(),
      Object.keys(SUITE).sort(),
      'of all commands',
    );
    const archive = join(ownDirectory(t), 'again.tgz');
    const { status, stdout } = await runCommand(smcDbg, ['-o', archive, '--from', directory]);
    t.strictSame({ status, stdout }, { status: 0, stdout: `${archive}\n` });
    const again = ownDirectory(t);
    extract({ file: archive, cwd: again, sync: true, strip: 1 });
    const anew = JSON.parse(readFileSync(join(again, 'manifest.json'), 'utf8')) as BundleManifest;
    t.strictSame(anew.parts, parts, 'smc_dbg says the same of the bundle as of the system');
    const files = new Set(parts.map(({ file }) => file));
    files.delete('version.txt'); // of the suite that recorded it
    for (const file of [...files, 'devices.txt'])
      t.equal(readFileSync(join(again, file), 'utf8'), read(file), `${file} in the bundle`);
  });
