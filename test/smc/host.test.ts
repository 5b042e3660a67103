// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import t from 'tap';
import { NetlinkError } from '../../src/netlink/error.ts';
import { smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { systemCheck } from '../../src/smc/checks/index.ts';
import { SmcClient } from '../../src/smc/client.ts';
import { hasLoopback, hasSmc, hostFiles, KERNEL_PARTS, observeHost } from '../../src/smc/host.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { RELEASE } from '../helpers/healthy-host.ts';
import { fails, inspectedKernel } from '../helpers/inspected-kernel.ts';

const NETLINK_ROUTE = 0;
const CORE = { somaxconn: '1\n' };

function tree(core: object, parent?: string) {
  const rdma = {
    node_type: '1: CA\n',
    ...(parent === undefined ? { parent: 'eth0\n' } : { device: { uevent: '' } }),
    ports: {
      1: {
        state: '4: ACTIVE\n',
        gids: { 0: '0000:0000:0000:0000:0000:ffff:0a09:0001\n' },
        gid_attrs: { types: { 0: 'RoCE v2\n' }, ndevs: { 0: 'eth0\n' } },
      },
    },
  };
  return {
    proc: { sys: { kernel: { osrelease: `${RELEASE}\n` }, net: { core: core as never } } },
    sys: {
      class: {
        net: { eth0: { ifindex: '2\n', flags: '0x1003\n', type: '1\n' } },
        infiniband: { rxe0: rdma },
      },
      module: { smc: {} },
    },
  };
}

async function lookWith(kernel: FakeKernel, root: string) {
  kernel.raw = (request, protocol) => (protocol === NETLINK_ROUTE ? [kernel.done(request)] : undefined);
  const client = new SmcClient({ transport: kernel, hostRoot: root });
  t.teardown(() => client.close());
  return { client, host: await observeHost(client, root, KERNEL_PARTS) };
}

t.test('a kernel without SMC is asked nothing that would load it', async (t) => {
  const kernel = new FakeKernel();
  const { host } = await lookWith(kernel, t.testdir(tree(CORE)));
  t.equal(hasSmc(host), false);
  t.strictSame(kernel.log, ['nlctrl GETFAMILY']);
  t.match(host.ueids, { why: 'there is no SMC in the kernel at the moment' });
});

t.test('a family that is not there is not asked for either', async (t) => {
  const kernel = inspectedKernel();
  const { host } = await lookWith(kernel, t.testdir(tree(CORE)));
  t.equal(hasSmc(host), true);
  t.match(host.pnetTable, { why: 'the kernel does not have SMC_PNETID' });
  t.match(host.ueids, { value: ['MY.EID', 'B'] });
  t.notOk(kernel.log.some((line) => line.endsWith('SMC_PNETID')));
});

t.test('only the parts that are wanted are asked for', async (t) => {
  const kernel = inspectedKernel().serve(smcPnetid, { GET: () => [] });
  const root = t.testdir(tree(CORE));
  const client = new SmcClient({ transport: kernel, hostRoot: root });
  t.teardown(() => client.close());
  const host = await observeHost(client, root, ['pnetTable']);
  t.strictSame(host.pnetTable, { value: [] });
  t.notOk('ueids' in host);
  t.strictSame(
    kernel.log.filter((line) => !line.startsWith('nlctrl')),
    ['SMC_PNETID GET'],
  );
});

t.test('files are read when they are first used, and once', async (t) => {
  const root = t.testdir(tree(CORE));
  const files = hostFiles(root);
  writeFileSync(`${root}/proc/sys/kernel/osrelease`, '6.18.0\n');
  t.equal(files.release, '6.18.0');
  writeFileSync(`${root}/proc/sys/kernel/osrelease`, '7.0.0\n');
  t.equal(files.release, '6.18.0');
  t.equal(files.rdmaDevices, files.rdmaDevices);
  t.equal({ ...files }.interfaces, files.interfaces, 'a copy has all of them');
});

t.test('one answer that fails leaves the others', async (t) => {
  const { host } = await lookWith(inspectedKernel({ DUMP_UEID: fails('EPERM') }), t.testdir(tree(CORE)));
  t.match(host.ueids, { why: 'SMC_GEN_NETLINK DUMP_UEID: permission denied' });
  t.match(host.isHandshakeLimited, { value: true });
  t.equal(hasLoopback(host), undefined, 'an ISM device could be what makes version 2 possible');
});

t.test('a netlink socket that cannot be opened', async (t) => {
  const closed = {
    order: 'LE' as const,
    open: () => Promise.reject(new NetlinkError({ op: 'open socket', code: 'EPERM' })),
  };
  const root = t.testdir(tree(CORE));
  const client = new SmcClient({ transport: closed, hostRoot: root });
  const checks = await systemCheck({ client, root });
  t.match(
    checks.find(({ id }) => id === 'family'),
    { status: 'unknown', reason: 'netlink: permission denied' },
  );
  t.match(
    checks.find(({ id }) => id === 'rdma-device'),
    { status: 'pass' },
    'what files tell is there',
  );
});

t.test('without the native part of netlink there is nothing to say', async (t) => {
  const missing = {
    order: 'LE' as const,
    open: () => Promise.reject(new NetlinkError({ op: 'load netlink addon', code: 'ERR_NO_ADDON' })),
  };
  const root = t.testdir(tree(CORE));
  const client = new SmcClient({ transport: missing, hostRoot: root });
  await t.rejects(systemCheck({ client, root }), { code: 'ERR_NO_ADDON' });
});

t.test('in another namespace the name of a port’s interface says nothing', async (t) => {
  const portOf = async (core: object) => {
    const { host } = await lookWith(inspectedKernel(), t.testdir(tree(core)));
    return host.rdmaDevices[0]?.ports[0];
  };
  t.match(await portOf({ ...CORE, netdev_max_backlog: '1' }), { netdev: 'eth0' });
  t.match(await portOf(CORE), { netdev: undefined, gids: [{ netdev: 'eth0' }] });
});
