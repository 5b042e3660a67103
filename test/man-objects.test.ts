// SPDX-License-Identifier: MIT
/** The pages of the objects of smcd and smcr name all fields that their JSON has, and the words they take. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { smcrPages } from '../scripts/smcr-pages.ts';
import { smcd } from '../src/commands/smcd/command.ts';
import { smcr } from '../src/commands/smcr/command.ts';
import { SYSCTLS } from '../src/smc/sysctls.ts';
import { inspectedKernel } from './helpers/inspected-kernel.ts';
import { runCommand } from './helpers/run-command.ts';

const page = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../man/${name}.8`, import.meta.url)), 'utf8');

/** Words of `.Va` macros: the names of fields. */
const fieldsOf = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/\bVa ([\w ,]+)/g)].flatMap(([, words]) => words!.split(/[ ,]+/)).filter(Boolean),
  );

function keysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(keysOf);
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
}

/** Size classes of statistics; the page names the first and the last. */
const BETWEEN = new Set(['16K', '32K', '64K', '128K', '256K', '512K']);

t.test('JSON fields', async (t) => {
  const hostRoot = t.testdir({ proc: { sys: { net: { smc: { wmem: '65536\n' } } } } });
  for (const command of [smcd, smcr])
    for (const argv of [
      'info',
      'device',
      'linkgroup',
      'linkgroup link-show',
      'stats',
      'stats --interval 0.1 --count 1',
      'ueid',
      'seid',
      'hs-limit',
      'sysctl',
    ]) {
      if (command === smcr && argv === 'seid') continue;
      const [object = ''] = argv.split(' ');
      const { stdout, stderr } = await runCommand(command, `-j ${argv}`, {
        transport: inspectedKernel(),
        hostRoot,
      });
      t.equal(stderr, '', argv);
      const documented = fieldsOf(page(`smcd-${object}`));
      const keys = new Set(keysOf(JSON.parse(stdout)).filter((key) => !BETWEEN.has(key)));
      for (const key of keys) t.ok(documented.has(key), `smcd-${object}(8) names ${key}`);
    }
});

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

t.test('the pages of smcr are whole, and say what those of smcd say', async (t) => {
  for (const [name, text] of smcrPages()) {
    t.equal(page(name.replace('.8', '')), text, `${name} is what npm run man makes of it`);
    t.match(text, /\.Sh EXIT STATUS\nSee\n\.Xr smcr 8/);
    t.notMatch(text, /^(\.Dl )?[#$] smcd /m, 'examples are of smcr');
  }
});
