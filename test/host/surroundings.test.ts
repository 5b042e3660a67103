// SPDX-License-Identifier: MIT
// Resource limits, network namespace, kernel log
import t from 'tap';
import { readKernelLog } from '../../src/host/kernel-log.ts';
import { isInitialNetworkNamespace, rdmaNamespaceMode } from '../../src/host/network-namespace.ts';
import { resourceLimits } from '../../src/host/resource-limits.ts';

t.test('resource limits', async (t) => {
  const limits = (soft: string, hard: string) => `Max open files            ${soft}  ${hard}  files\n`;
  const self = { status: 'PPid:\t42\n', limits: limits('5000', '5000') };
  t.strictSame(resourceLimits(t.testdir({ proc: { self, 42: { limits: limits('1024', 'unlimited') } } })), {
    openFiles: { soft: 1024, hard: Number.POSITIVE_INFINITY },
    lockedMemory: undefined,
  });
  t.match(
    resourceLimits(t.testdir({ proc: { self } })),
    { openFiles: { soft: 5000 } },
    'the parent is not to be seen',
  );
  t.match(resourceLimits(t.testdir({ proc: { self: { ...self, status: 'PPid:\t0\n' } } })), {
    openFiles: { soft: 5000 },
  });
  t.throws(() => resourceLimits(t.testdir({})), { code: 'ENOENT' });
  t.ok(resourceLimits('/').openFiles, 'this process');
});

t.test('network namespace', async (t) => {
  const core = (files: object) => t.testdir({ proc: { sys: { net: { core: files as never } } } });
  t.equal(isInitialNetworkNamespace(core({ somaxconn: '1', netdev_max_backlog: '1' })), true);
  t.equal(isInitialNetworkNamespace(core({ somaxconn: '1' })), false);
  t.equal(isInitialNetworkNamespace(t.testdir({})), undefined);
  const mode = (text: string) =>
    t.testdir({ sys: { module: { ib_core: { parameters: { netns_mode: text } } } } });
  t.equal(rdmaNamespaceMode(mode('Y\n')), 'shared');
  t.equal(rdmaNamespaceMode(mode('N\n')), 'exclusive');
  t.equal(rdmaNamespaceMode(t.testdir({})), undefined);
});

t.test('kernel log', async (t) => {
  const kmsg = '30,7,2500000,-;smc: a; b\n SUBSYSTEM=net\nrubbish\n4,8,3000000,c,more;x\n';
  t.strictSame(readKernelLog(t.testdir({ dev: { kmsg } })), [
    { level: 6, seconds: 2.5, text: 'smc: a; b' },
    { level: 4, seconds: 3, text: 'x' },
  ]);
  const long = t.testdir({ dev: { kmsg: `6,1,1,-;${'ä'.repeat(5000)}\n`.repeat(3) } });
  const texts = readKernelLog(long).map(({ text }) => text);
  t.equal(texts.length, 3);
  t.ok(
    texts.every((text) => /^ä{5000}$/.test(text)),
    'a recorded log is read in pieces that end anywhere',
  );
  t.throws(() => readKernelLog(t.testdir({})), { code: 'ENOENT' });
});
