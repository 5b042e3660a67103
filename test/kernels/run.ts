// SPDX-License-Identifier: MIT
/**
 * `npm run test:kernels [-- [--long] [6 | 7] [file…]]`: the guest tests that depend on the kernel, first on 6.1 and 6.12 as in
 * `npm test`, then on 7.x, and there also the tests of what is new. With 6 or 7 only on those kernels; with files only these,
 * on 7.x unless it says 6. With --long, the tests that take long, too; most of those on 6.1 do.
 */
import { existsSync } from 'node:fs';
import { say } from '../../scripts/entry.mjs';
import { Count, endTests, jobsFor, runTests } from '../../scripts/run-tests.mjs';
import { kernel } from '../vm/kernel.ts';

/** Guest tests of what the kernel shows and does, rather than of programs, services and packages. */
const CORE = [
  'control-plane',
  'no-smc',
  'smcr',
  'smcd',
  'smcd-smcr',
  'smcss',
  'smcss-events',
  'smcss-watch',
  'smc_exporter',
  'smc_conf-apply',
  'smc_chk-system',
  'smc_chk-live',
  'smc_rnics',
  'smc_dbg',
  'smc_run',
  'seccomp',
  'netns',
  'tcp-table',
].map((name) => `test/vm/${name}.test.ts`);

/** What is new in 7.x, beside the core. */
const NEWS = ['test/kernels/dibs.ts', 'test/kernels/smc-r.ts', 'test/kernels/hs-ctrl.ts'];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.prependOnceListener(signal, () => endTests(signal));

const words = process.argv.slice(2);
const files = words.filter((word) => word.endsWith('.ts'));
const missing = files.find((file) => !existsSync(file));
const unknown = words.find((word) => !files.includes(word) && !['--long', '6', '7'].includes(word));
if (missing) fail(`there is no file ${missing}`);
if (unknown) fail(`'${unknown}' is none of --long, 6, 7 and test files`);
if (words.includes('--long')) process.env['SMC_TOOLS_LONG'] = '1';
const count = new Count();

function fail(text: string): never {
  say('test:kernels', text);
  process.exit(2);
}

async function run(title: string, some: readonly string[]): Promise<void> {
  process.stdout.write(`# ${title}\n`);
  await runTests(
    some.map((file) => [file]),
    count,
    () => jobsFor('guest'),
  );
}

const with6 = words.includes('6') || (files.length === 0 && !words.includes('7'));
const with7 = words.includes('7') || !words.includes('6');
if (with6) await run('kernels 6.1 and 6.12', files.length > 0 ? files : CORE);
if (with7) {
  const { release } = await kernel('7.x-smcd');
  process.env['SMC_TOOLS_TEST_KERNEL'] = '7.x';
  await run(`kernel ${release}`, files.length > 0 ? files : [...NEWS, ...CORE]);
}
process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
