// SPDX-License-Identifier: MIT
// What patch(1) makes of a difference is the other text.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { unifiedDiff } from '../../src/output/diff.ts';

const long = Array.from({ length: 12 }, (_, index) => `line ${index}\n`).join('');
const CASES: [string, string][] = [
  [long, `${long}more\n`],
  [long, long.replace('line 6', 'other')],
  [long, long.replace('line 0\n', '')],
  ['a\nb\nc', 'a\nb\nc\nd\n'],
  ['a\nb\n', 'a\nb'],
];

t.test('patch(1) takes it', async (t) => {
  for (const [before, after] of CASES)
    for (const [from, to] of [
      [before, after],
      [after, before],
    ] as const) {
      const directory = t.testdir({ f: from });
      const difference = unifiedDiff('f', from, to);
      writeFileSync(join(directory, 'd'), `${difference.join('\n')}\n`);
      execFileSync('patch', ['-s', '-p0', '-i', 'd'], { cwd: directory });
      t.equal(readFileSync(join(directory, 'f'), 'utf8'), to, difference.join('\n'));
    }
});
