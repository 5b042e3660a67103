// SPDX-License-Identifier: MIT
/**
 * `npm run test:kernels [-- 6 | 7 | file…]`: the guest tests that depend on the kernel, first on 6.1 and 6.12 as in `npm test`,
 * then on 7.x, and there also the tests of what is new. With 6 or 7 only on those kernels; with files only these, on 7.x.
 */
import { Count, endTests, jobsFor, runTests } from '../../scripts/run-tests.mjs';
import { kernel } from '../vm/kernel.ts';

/** Guest tests of what the kernel shows and does, rather than of programs, services and packages. */
const CORE = [
  'control-plane',
  'no-smc',
  'smcr',
  'smcd',
  'smcd-smcr',
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
const count = new Count();

async function run(title: string, some: readonly string[]): Promise<void> {
  process.stdout.write(`# ${title}\n`);
  await runTests(
    some.map((file) => [file]),
    count,
    () => jobsFor('guest'),
  );
}

if (files.length === 0 && !words.includes('7')) await run('kernels 6.1 and 6.12', CORE);
if (!words.includes('6')) {
  const { release } = await kernel('7.x-smcd');
  process.env['SMC_TOOLS_TEST_KERNEL'] = '7.x';
  await run(`kernel ${release}`, files.length > 0 ? files : [...NEWS, ...CORE]);
}
process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
