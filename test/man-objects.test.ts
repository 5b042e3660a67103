// SPDX-License-Identifier: MIT
/** The pages of the objects of smcd and smcr: there is one of each command, and those of smcr are about smcr. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { manPages } from '../scripts/man.ts';
import { smcd } from '../src/commands/smcd/command.ts';
import { smcr } from '../src/commands/smcr/command.ts';
import { SYSCTLS } from '../src/smc/sysctls.ts';
import { runCommand } from './helpers/run-command.ts';

const page = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../man/${name}.8`, import.meta.url)), 'utf8');

t.test('settings', async (t) => {
  const text = page('smcd-sysctl');
  for (const { name, default: value } of SYSCTLS) {
    t.match(text, name);
    t.ok(text.includes(value), value);
  }
});

t.test('every object has a page of either command, which its help names', async (t) => {
  for (const command of [smcd, smcr])
    for (const [object] of command.topics?.entries ?? []) {
      if (object === 'help') continue;
      const { stdout } = await runCommand(command, `${object} help`);
      t.match(stdout, `The man page ${command.name}-${object}(8) has the details.`);
      t.match(page(`${command.name}-${object}`), `.Nm ${command.name}-${object}`);
      t.match(page(command.name), `.Xr ${command.name}-${object} 8`);
      t.match(page(command.name), `.It Cm ${object}`);
    }
});

t.test('the pages of smcr are about smcr', async (t) => {
  const pages = [...manPages()].filter(([name]) => name.startsWith('smcr-'));
  t.ok(pages.length > 6);
  for (const [name, text] of pages) {
    t.match(text, /\.Sh EXIT STATUS\nSee\n\.Xr smcr 8/, name);
    t.notMatch(text, /^(\.Dl )?[#$] smcd /m, 'examples are of smcr');
    t.notMatch(text, /^\.Ss smcd /m, 'so are documents');
  }
});
