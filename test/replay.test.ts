// SPDX-License-Identifier: MIT
// Replies of real kernels (recorded by test/vm/record-fixtures.ts) give the same output, byte for byte.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { CommandDefinition } from '../src/cli/run.ts';
import { smcPnet } from '../src/commands/smc_pnet.ts';
import { smcd } from '../src/commands/smcd.ts';
import { smcr } from '../src/commands/smcr.ts';
import { smcss } from '../src/commands/smcss.ts';
import { parseRecording, replayTransport } from '../src/netlink/recording.ts';
import { runCommand } from './helpers/run-command.ts';
import type { Scene } from './vm/record-fixtures.ts';

const COMMANDS: Record<string, CommandDefinition> = { smcss, smc_pnet: smcPnet, smcd, smcr };

const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));

const scenes = readdirSync(fixtures, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.name === 'scene.json')
  .map((entry) => entry.parentPath)
  .sort();
t.ok(scenes.length >= 3, 'recordings of several kernels');

for (const directory of scenes)
  t.test(directory.slice(fixtures.length + 1), async (t) => {
    const { runs } = JSON.parse(readFileSync(join(directory, 'scene.json'), 'utf8')) as Scene;
    for (const { argv, recording, stdout, stderr, status } of runs) {
      const [name = '', ...words] = argv;
      const transport = replayTransport(parseRecording(readFileSync(join(directory, recording), 'utf8')));
      const outcome = await runCommand(COMMANDS[name]!, words, {
        transport,
        hostRoot: join(directory, 'host'),
      });
      t.strictSame(outcome, { status, stdout, stderr }, argv.join(' '));
    }
  });
