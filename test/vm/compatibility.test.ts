// SPDX-License-Identifier: MIT
// Long: hundreds of tests of others, each run twice.
// A part of the outside tests: the checks of node:net, and the tests of CPython's test_socket for TCP. The differences
// under smc_run are asserted exactly, so that the test notices both new differences and those that no longer exist.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { bootForComparison, differences, netChecks, pythonTests, type TestResult } from './compatibility.ts';
import { KNOWN_DIFFERENCES, RACES } from './known-differences.ts';

const CLASSES = [
  'BasicTCPTest',
  'BufferIOTest',
  'CreateServerTest',
  'CreateServerFunctionalTest',
  'FileObjectClassTestCase',
  'NetworkConnectionBehaviourTest.testOutsideTimeout',
  'NonBlockingTCPTests',
  'RecvmsgIntoTCPTest',
  'RecvmsgTCPTest',
  'SendmsgTCPTest',
  'SendfileUsingSendfileTest',
  'TCPTimeoutTest',
].map((name) => `test.test_socket.${name}`);

t.test('differences to TCP', async (t) => {
  const guest = await bootForComparison();
  t.teardown(() => guest.close());
  const compare = async (
    subtest: typeof t,
    run: (prefix: string) => Promise<TestResult[]>,
    atLeast: number,
  ): Promise<void> => {
    const plain = await run('');
    subtest.ok(plain.length >= atLeast, `${plain.length} tests`);
    subtest.strictSame(
      plain.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'skip'),
      [],
      'all pass over TCP',
    );
    const found = differences(plain, await run('smc_run')).filter(({ id, smc }) => RACES[id] !== smc);
    const known = Object.entries(KNOWN_DIFFERENCES).filter(([id]) =>
      plain.some((result) => result.id === id),
    );
    subtest.strictSame(
      Object.fromEntries(found.map(({ id, smc }) => [id, smc])),
      Object.fromEntries(known),
      found.map(({ id, detail }) => `${id}: ${detail}`).join('; ') || 'none',
    );
  };
  await t.test('node:net', (t) => compare(t, (prefix) => netChecks(guest, prefix), 25));
  await t.test('sockets of Python', (t) => compare(t, (prefix) => pythonTests(guest, CLASSES, prefix), 100));
});

t.test('the causes are documented', async (t) => {
  const text = readFileSync('docs/compatibility.md', 'utf8');
  for (const id of [...Object.keys(KNOWN_DIFFERENCES), ...Object.keys(RACES)]) {
    // the same test with other event loops is listed in one line
    const name = id.replace(/\b(Poll|Select)EventLoopTests/, 'EPollEventLoopTests');
    t.ok(text.includes(`\`${name}\``), id);
  }
});
