// SPDX-License-Identifier: MIT
/** What the client does and says when SMC, or a part of it, is not there. */
import t from 'tap';
import { GENL_ID_CTRL, NETLINK_GENERIC } from '../../src/netlink/uapi/netlink.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { SmcClient } from '../../src/smc/client.ts';
import { SmcError } from '../../src/smc/error.ts';
import { Errno, FakeKernel } from '../helpers/fake-kernel.ts';
import { waitUntil } from '../helpers/wait.ts';

const RELEASE = '6.12.0-test';
const proc = {
  net: { protocols: 'protocol size sockets\nTCP 1 1\n' },
  sys: { kernel: { osrelease: `${RELEASE}\n` } },
};
const modules = (files: Record<string, string>): object => ({ lib: { modules: { [RELEASE]: files } } });
const DEP = 'kernel/net/smc/smc.ko.xz: kernel/drivers/infiniband/core/ib_core.ko.xz\n';
const DIAG_DEP = 'kernel/net/smc/smc_diag.ko.xz: kernel/net/smc/smc.ko.xz\n';

async function drain(client: SmcClient): Promise<number> {
  let count = 0;
  for await (const _ of client.sockets()) count++;
  return count;
}

t.test('smc_diag is not loaded: the family is resolved, which loads it, and the dump repeated', async (t) => {
  const kernel = new FakeKernel().serve(smcPnetid, {});
  kernel.raw = (_request, protocol) => {
    if (protocol === NETLINK_GENERIC) kernel.sockets = () => [];
    return undefined;
  };
  const client = new SmcClient({ transport: kernel, hostRoot: t.testdir({ proc }) });
  t.teardown(() => client.close());
  t.equal(await drain(client), 0);
  t.strictSame(kernel.log, ['SOCK_DIAG 43', 'nlctrl GETFAMILY SMC_PNETID', 'SOCK_DIAG 43']);
});

t.test('the alias of SMC_PNETID belongs to smc_diag; SMC_GEN_NETLINK loads smc alone', async (t) => {
  const kernel = new FakeKernel().serve(smcGenNetlink, {});
  kernel.raw = (request) => {
    const asked = request.data.toString('latin1');
    if (request.type === GENL_ID_CTRL && asked.includes('SMC_GEN_NETLINK'))
      kernel.serve(smcPnetid, { GET: () => [{ name: 'A', ethName: 'e', ibName: 'n/a', ibPort: 255 }] });
    return undefined;
  };
  const client = new SmcClient({ transport: kernel, hostRoot: t.testdir({ proc }) });
  t.teardown(() => client.close());
  t.equal((await client.pnet.list()).length, 1);
  t.strictSame(kernel.log, [
    'nlctrl GETFAMILY SMC_PNETID',
    'nlctrl GETFAMILY SMC_GEN_NETLINK',
    'nlctrl GETFAMILY SMC_PNETID',
    'SMC_PNETID GET',
  ]);
});

t.test('smc is there, smc_diag still is not: tried once more, not for ever', async (t) => {
  const kernel = new FakeKernel().serve(smcPnetid, {});
  const client = new SmcClient({ transport: kernel, hostRoot: t.testdir({ proc }) });
  t.teardown(() => client.close());
  await t.rejects(drain(client), { name: 'NetlinkError', code: 'ENOENT', command: 'SMC sockets' });
  t.equal(kernel.log.filter((line) => line === 'SOCK_DIAG 43').length, 2);
  const tree = { proc, ...modules({ 'modules.builtin': 'kernel/net/smc/smc.ko\n', 'modules.dep': '' }) };
  const without = new SmcClient({ transport: kernel, hostRoot: t.testdir(tree) });
  t.teardown(() => without.close());
  await t.rejects(drain(without), {
    name: 'SmcError',
    message: 'this kernel cannot list SMC sockets: there is no module smc_diag for it',
  });
});

t.test('another failure of the dump is not repeated', async (t) => {
  const kernel = new FakeKernel().serve(smcPnetid, {});
  kernel.sockets = () => {
    throw new Errno('EPERM');
  };
  const client = new SmcClient({ transport: kernel, hostRoot: t.testdir({ proc }) });
  t.teardown(() => client.close());
  await t.rejects(drain(client), { code: 'EPERM' });
  t.strictSame(kernel.log, ['SOCK_DIAG 43']);
});

t.test('no SMC: module states become words', async (t) => {
  const built = (...names: string[]): object => ({
    sys: { module: Object.fromEntries(names.map((n) => [n, {}])) },
  });
  const cases: [string, object, string, RegExp][] = [
    [
      'module there, not loaded',
      modules({ 'modules.builtin': '', 'modules.dep': DEP + DIAG_DEP }),
      'the kernel module smc is not loaded',
      /^load it: modprobe smc$/,
    ],
    [
      'no module',
      modules({ 'modules.builtin': '', 'modules.dep': 'kernel/net/tls/tls.ko:\n' }),
      'this kernel has no SMC: there is no module smc for it',
      /CONFIG_DIBS/,
    ],
    [
      'smc loaded, smc_diag not',
      { ...built('smc'), ...modules({ 'modules.builtin': '', 'modules.dep': DEP + DIAG_DEP }) },
      'the kernel module smc_diag is not loaded',
      /^load it: modprobe smc_diag$/,
    ],
    [
      'smc built in, smc_diag not there',
      modules({ 'modules.builtin': 'kernel/net/smc/smc.ko\n', 'modules.dep': '' }),
      'this kernel cannot list SMC sockets: there is no module smc_diag for it',
      /CONFIG_SMC_DIAG$/,
    ],
    ['both loaded', built('smc', 'smc_diag'), 'the kernel does not provide SMC_PNETID', /smc_diag is loaded/],
    [
      'both built in',
      modules({
        'modules.builtin': 'kernel/net/smc/smc.ko\nkernel/net/smc/smc_diag.ko\n',
        'modules.dep': '',
      }),
      'the kernel does not provide SMC_PNETID',
      /smc_diag is built-in/,
    ],
    ['a container', {}, 'the kernel module smc is not loaded', /on the host: modprobe smc/],
  ];
  for (const [what, tree, message, hint] of cases) {
    const client = new SmcClient({ transport: new FakeKernel(), hostRoot: t.testdir({ proc, ...tree }) });
    for (const call of [() => drain(client), () => client.pnet.list(), () => client.pnet.flush()]) {
      const error = await call().then(
        () => undefined,
        (reason: SmcError) => reason,
      );
      t.ok(error instanceof SmcError, what);
      t.match(error, { code: 'NO_SMC', message, hint }, what);
      t.match(error?.cause, { op: 'resolve family', code: 'ENOENT', family: 'SMC_PNETID' });
    }
    client.close();
  }
});

t.test('SMC that comes later is found by the same client', async (t) => {
  const kernel = new FakeKernel();
  const client = new SmcClient({ transport: kernel, hostRoot: t.testdir({ proc }) });
  t.teardown(() => client.close());
  await t.rejects(client.pnet.list(), { code: 'NO_SMC' });
  kernel.serve(smcPnetid, { GET: () => [] });
  t.strictSame(await client.pnet.list(), []);
});

t.test('moduleStates', async (t) => {
  const hostRoot = t.testdir({
    proc,
    sys: { module: { smc: {} } },
    ...modules({ 'modules.dep': DEP + DIAG_DEP }),
  });
  t.strictSame(new SmcClient({ hostRoot }).moduleStates(), { smc: 'loaded', smcDiag: 'available' });
});

t.test('one generic netlink socket serves all calls', async (t) => {
  const kernel = new FakeKernel().serve(smcPnetid, { GET: () => [], FLUSH: () => [] });
  const client = new SmcClient({ transport: kernel, hostRoot: t.testdir({ proc }) });
  await Promise.all([client.pnet.list(), client.pnet.list(), client.pnet.flush()]);
  t.equal(kernel.openSockets, 1);
  client.close();
  client.close();
  await waitUntil('the end of all sockets', () => kernel.openSockets === 0, {
    seen: () => kernel.openSockets,
  });
});

t.test('a client that was never used closes, too', async (t) => {
  new SmcClient().close();
  t.pass('no socket was opened');
});
