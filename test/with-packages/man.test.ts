// SPDX-License-Identifier: MIT
// The man pages as mandoc reads and prints them; test/man.test.ts compares what they say with the code.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { fallbackReasons, formatReasonCode } from '../../src/smc/fallback-reasons.ts';

const man = fileURLToPath(new URL('../../man', import.meta.url));

function mandoc(page: string, ...options: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync('mandoc', [...options, join(man, page)], {
    encoding: 'utf8',
  });
  return { status, output: error ? `${error.message} (install the package mandoc)` : `${stdout}${stderr}` };
}

t.test('mandoc finds nothing to warn of', async (t) => {
  for (const page of readdirSync(man))
    t.strictSame(mandoc(page, '-T', 'lint', '-W', 'warning'), { status: 0, output: '' }, page);
});

t.test('a reason code is one line of the page, for: man smcss | grep CODE', async (t) => {
  const { output } = mandoc('smcss.8', '-T', 'ascii', '-O', 'width=80');
  // a terminal overwrites characters to make them bold
  const lines = output.replace(/.\x08/g, '').split('\n');
  for (const { code, name, meaning } of fallbackReasons.values()) {
    const begun = lines.map((line) => line.trim()).filter((line) => line.startsWith(formatReasonCode(code)));
    t.strictSame(begun, [`${formatReasonCode(code)} ${name}: ${meaning}`], name);
  }
});
