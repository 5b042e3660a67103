// SPDX-License-Identifier: MIT
// Tables on a terminal that is narrower than they are: nothing is lost, no number is broken, and pipes see no difference.
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { SUITE } from '../../src/commands/smc_dbg/suite.ts';
import { runCommand } from '../helpers/run-command.ts';

const scene = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** Output with the given width, without what a terminal gets below its table. */
async function table(line: string, from: string, columns: number | undefined): Promise<string> {
  const [name = '', ...argv] = line.split(' ');
  const { status, stdout } = await runCommand(await SUITE[name]!(), [...argv, '--from', scene(from)], {
    terminal: columns !== undefined,
    ...(columns !== undefined && { columns }),
    env: { NO_COLOR: '1' },
  });
  if (status !== 0) throw new Error(`${line}: status ${status}`);
  return stdout.replace(/\n\n[\s\S]*/, '\n');
}

for (const [from, lines] of [
  [
    '6.12-smcr',
    ['smcss -a', 'smcss -aR', 'smcss -ad', 'smcr linkgroup', 'smcr linkgroup link-show', 'smcr -d device'],
  ],
  ['6.12-smcd', ['smcss -a', 'smcss -aD', 'smcd linkgroup', 'smcd linkgroup show all']],
  ['6.1-fallback', ['smcss -a']],
] as const)
  for (const line of lines)
    t.test(`${line} of ${from}`, async (t) => {
      const piped = await table(line, from, undefined);
      const widest = Math.max(...piped.split('\n').map(({ length }) => length));
      t.ok(widest > 0, 'there is a table');
      for (const columns of [40, 60, 80, 100]) {
        const shown = await table(line, from, columns);
        t.strictSame(words(shown), words(piped), `all words at ${columns}`);
        const excess = shown.split('\n').filter(({ length }) => length > columns);
        t.strictSame(excess, [], `fits ${columns}`);
        if (widest <= columns) t.equal(shown, piped, `as in a pipe at ${columns}`);
      }
      for (const columns of [0, 1000])
        t.strictSame(await table(line, from, columns), piped, `as in a pipe at ${columns}`);
    });
