// SPDX-License-Identifier: MIT
/**
 * `npm run test:nodes [-- VERSION…]`: the programs and src/ on each supported Node. What else there is in the tests
 * either does not run on Node or does not depend on its version. The last line is `N passed, N failed`.
 */
import { join } from 'node:path';
import { say, tellFailure } from '../../scripts/entry.mjs';
import { Count, endTests, jobsFor, runTests } from '../../scripts/run-tests.mjs';
import { kindOf, processesFor, testFiles } from '../../scripts/tests.mjs';
import { nodeFor, WANTED } from './nodes.ts';

/** Run by this Node; the programs that they start run on the one that is tried. */
const PROGRAMS = [
  'test/nodes/replays.ts',
  'test/native/addon.test.ts',
  ...testFiles().filter((file) => file.startsWith('test/bin/')),
];

/** Those at the top are about the tree, except for one. */
const UNITS = testFiles().filter(
  (file) => kindOf(file) === 'unit' && (file.split('/').length > 2 || file === 'test/replay.test.ts'),
);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.prependOnceListener(signal, () => endTests(signal));

const count = new Count();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : WANTED;
try {
  for (const name of wanted) {
    const { version, bin } = await nodeFor(name);
    const node = join(bin, 'node');
    const env = { PATH: `${bin}:${process.env['PATH']}`, SMC_TOOLS_TEST_NODE: node };
    const label = `Node ${version}`;
    say('test', `${label}: ${PROGRAMS.length} files about the programs, ${UNITS.length} about src/ …`);
    const before = { passed: count.passed, failed: count.failed };
    await runTests(processesFor(PROGRAMS), count, () => jobsFor('fast'), { env, label });
    await runTests(processesFor(UNITS), count, () => jobsFor('unit'), { env, label, node });
    const passed = count.passed - before.passed;
    process.stdout.write(`${label}: ${passed} passed, ${count.failed - before.failed} failed\n`);
  }
} catch (error) {
  count.fail('set-up');
  tellFailure('test:nodes', error);
}
process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
