// SPDX-License-Identifier: MIT
import t, { type Test } from 'tap';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { SmcClient } from '../../src/smc/client.ts';
import {
  CHOICE_PARTS,
  type ChoiceView,
  chooseDevices,
  type InterfaceChoice,
  interfacePnet,
  isInPrefix,
  ismDevices,
  rdmaPnet,
  rdmaPortUse,
} from '../../src/smc/device-choice.ts';
import { observeHost, unseenParts } from '../../src/smc/host.ts';
import { FakeKernel, ipv4Row } from '../helpers/fake-kernel.ts';
import { type Files, mainframe, plantOnce, server } from '../helpers/host-trees.ts';

interface Kernel {
  pnet?: object[];
  ports?: object[];
  isms?: object[];
  isIsmV2?: number;
  isSmcrV2?: number;
  ueids?: string[];
  seid?: object;
  addresses?: object[];
}

/** A kernel with SMC that answers what it is told to. */
function kernelWith(facts: Kernel): FakeKernel {
  const { isIsmV2 = 0, isSmcrV2 = 1, ueids = ['EID'] } = facts;
  const kernel = new FakeKernel().serve(smcPnetid, { GET: () => facts.pnet ?? [] }).serve(smcGenNetlink, {
    GET_SYS_INFO: () => [{ sysInfo: { version: 2, release: 1, isIsmV2, isSmcrV2 } }],
    GET_DEV_SMCR: () => (facts.ports ?? []).map((devSmcr) => ({ devSmcr })),
    GET_DEV_SMCD: () => (facts.isms ?? []).map((devSmcd) => ({ devSmcd: { useCount: 0, ...devSmcd } })),
    DUMP_UEID: () => ueids.map((entry) => ({ entry })),
    DUMP_SEID: () => [facts.seid ?? {}],
  });
  kernel.addresses = () => facts.addresses ?? [];
  return kernel;
}

async function hostOf(t: Test, files: Files, facts: Kernel, ...more: Files[]): Promise<ChoiceView> {
  const hostRoot = plantOnce(files, ...more);
  const client = new SmcClient({ transport: kernelWith(facts), hostRoot });
  t.teardown(() => client.close());
  return observeHost(client, hostRoot, CHOICE_PARTS);
}

/** The choice for an interface by its name; `undefined` when there is none of this name. */
function choose(name: string, host: ChoiceView): InterfaceChoice | undefined {
  const device = host.interfaces.find((candidate) => candidate.name === name);
  return device && chooseDevices(device, host);
}

/** A port as the kernel's SMC lists it. */
const port = (ibName: string, pnetId = '', more: object = {}): object => ({
  ibName,
  port: { valid: 1, state: 1, pnetId, pnetUser: pnetId ? 1 : 0 },
  ...more,
});

const ethernet = (name: string, ethName: string): object => ({ name, ethName, ibName: 'n/a', ibPort: 255 });
const device = (name: string, ibName: string, ibPort = 1): object => ({
  name,
  ethName: 'n/a',
  ibName,
  ibPort,
});

const SERVER_PORTS = ['mlx5_0', 'mlx5_1', 'mlx5_2', 'rxe0'];
const ADDRESSES = [
  ipv4Row(2, '10.0.2.15/24'),
  ipv4Row(3, '192.168.5.1/24'),
  ipv4Row(5, '192.168.5.9/24'),
  ipv4Row(6, '192.168.100.1/24'),
];

const verdicts = (choice: InterfaceChoice | undefined): unknown[] =>
  choice ? [choice.smcrV1, choice.smcrV2, choice.smcdV1, choice.smcdV2].map(({ usable }) => usable) : [];

t.test('without a PNET ID the port on the interface itself is taken', async (t) => {
  const facts = { ports: SERVER_PORTS.map((name) => port(name)), addresses: ADDRESSES };
  const host = await hostOf(t, server, facts);
  t.strictSame(unseenParts(host, CHOICE_PARTS), []);
  const choice = choose('eth0', host);
  t.strictSame(choice?.pnet, { pnetId: undefined, source: 'none' });
  t.strictSame(
    choice?.rdma.map((candidate) => [candidate.device.name, candidate.port.number]),
    [['rxe0', 1]],
  );
  t.strictSame(choice?.smcrV1, {
    usable: false,
    reason: 'rxe0 port 1: the port has no RoCE v1 address (GID)',
  });
  t.strictSame(choice?.smcrV2, {
    usable: true,
    reason: 'rxe0 port 1: the port is active and has a RoCE v2 address for IPv4',
  });
  t.strictSame(choice?.smcdV1, { usable: false, reason: 'this host has no ISM device' });
  t.strictSame(choice?.smcdV2, { usable: false, reason: 'this host has no SMC-D device' });
  t.equal(choose('nothing', host), undefined);
  t.strictSame(choose('veth1', host)?.smcrV1, {
    usable: false,
    reason: 'veth1 has no PNET ID, and no RDMA port is on veth1',
  });
});

t.test('a bond: the first slave decides, and its port is down', async (t) => {
  const facts = { ports: SERVER_PORTS.map((name) => port(name)), addresses: ADDRESSES };
  const choice = choose('bond0', await hostOf(t, server, facts));
  t.equal(choice?.base.name, 'ens1f1');
  t.strictSame(choice?.smcrV2, { usable: false, reason: 'mlx5_1 port 1: the port is DOWN, not ACTIVE' });
});

/** A kernel that looks at the table entries of upper interfaces. */
const FIXED = { 'proc/sys/kernel/osrelease': '6.12.31-test\n' };

t.test('a PNET ID in the table', async (t) => {
  const pnet = [ethernet('NETA', 'bond0'), device('NETA', 'mlx5_0'), ethernet('NETB', 'ens1f1')];
  const ports = [port('mlx5_0', 'NETA'), port('mlx5_1'), port('rxe0')];
  const host = await hostOf(t, server, { pnet, ports, addresses: ADDRESSES });
  const find = (name: string) => host.interfaces.find((candidate) => candidate.name === name)!;
  t.strictSame(
    interfacePnet(find('bond0'), host),
    { pnetId: 'NETB', source: 'base-table' },
    'the entry of the base device comes first',
  );
  t.strictSame(interfacePnet(find('ens1f1'), host), { pnetId: 'NETB', source: 'table' });
  t.match(choose('bond0', host)?.smcrV1, {
    usable: false,
    reason: 'no RDMA port has the PNET ID NETB of bond0',
  });

  const facts = { pnet: pnet.slice(0, 2), ports, addresses: ADDRESSES };
  const old = choose('bond0', await hostOf(t, server, facts));
  t.match(old?.pnet, { pnetId: undefined, source: 'none', passedOver: 'NETA' }, 'before Linux 6.12.31');
  t.match(old?.smcrV2.reason, /DOWN|does not look at the table entry of bond0 itself/);
  const other = await hostOf(t, { ...server, ...FIXED }, facts);
  const choice = choose('bond0', other);
  t.strictSame(choice?.pnet, { pnetId: 'NETA', source: 'table' });
  t.strictSame(verdicts(choice), [true, true, false, false]);
  t.equal(
    choose('bond0.100', other)?.pnet.source,
    'none',
    'an entry in the middle of the stack does not count',
  );
});

t.test('a VLAN takes addresses of its own only', async (t) => {
  const pnet = [ethernet('NETA', 'ens1f1'), device('NETA', 'mlx5_0')];
  const ports = [port('mlx5_0', 'NETA'), port('rxe0', 'NETV')];
  const host = await hostOf(t, server, { pnet, ports, addresses: ADDRESSES });
  const choice = choose('bond0.100', host);
  t.strictSame(verdicts(choice), [true, true, false, false]);

  const vlanPnet = [ethernet('NETV', 'bond0.100')];
  const onRxe = await hostOf(t, { ...server, ...FIXED }, { pnet: vlanPnet, ports, addresses: ADDRESSES });
  t.strictSame(choose('bond0.100', onRxe)?.smcrV2, {
    usable: false,
    reason:
      'rxe0 port 1: the port has no RoCE v2 address (GID) for IPv4 on VLAN interface bond0.100; its interface needs an IPv4 address',
  });
});

t.test('a VLAN with the same id on another interface serves, too', async (t) => {
  const files: Files = {
    'proc/net/vlan/bond0.100': 'bond0.100  VID: 100\n',
    'proc/net/vlan/v100': 'v100  VID: 100\n',
    'sys/class/net/v100/ifindex': '20\n',
    'sys/class/net/v100/uevent': 'DEVTYPE=vlan\n',
  };
  const pnet = [ethernet('NETV', 'v100')];
  const facts = { pnet, ports: [port('mlx5_0', 'NETV')] };
  const host = await hostOf(t, server, facts, files);
  t.equal(choose('v100', host)?.smcrV1.usable, true);
});

t.test('version 2 of SMC-R: subnet, UEID, kernel', async (t) => {
  const pnet = [ethernet('NETA', 'veth1')];
  const ports = [port('mlx5_0', 'NETA')];
  const reason = async (facts: Kernel): Promise<string | undefined> =>
    choose('veth1', await hostOf(t, server, { pnet, ports, ...facts }))?.smcrV2.reason;
  t.equal(
    await reason({ addresses: [...ADDRESSES, ipv4Row(8, '172.16.0.1/16')] }),
    "mlx5_0 port 1: no address of veth1 is in the subnet of the port's IPv4 address 192.168.5.1",
  );
  t.equal(
    await reason({ addresses: ADDRESSES }),
    'mlx5_0 port 1: interface veth1 has no IPv4 address; SMC-R version 2 needs one',
  );
  t.match(await reason({ addresses: [...ADDRESSES, ipv4Row(8, '192.168.5.77/24')] }), /is active/);
  const elsewhere =
    "mlx5_0 port 1: the port's IPv4 address 192.168.5.1 is in another network namespace, so its subnet is not known";
  t.equal(await reason({ addresses: [ipv4Row(8, '192.168.5.77/24')] }), elsewhere);
  const sameName = ipv4Row(3, '192.168.5.2/24');
  t.equal(await reason({ addresses: [sameName, ipv4Row(8, '192.168.5.77/24')] }), elsewhere);
  t.match(await reason({ ueids: [] }), /there is no UEID/);
  t.match(await reason({ isSmcrV2: 0 }), /this kernel has no SMC-R version 2/);
});

t.test('devices that SMC-R cannot use at all', async (t) => {
  const host = await hostOf(t, server, { ports: [port('mlx5_0')] });
  const reasons = host.rdmaDevices.flatMap((rdma) =>
    rdma.ports.map((one) => [rdma.name, rdmaPortUse(rdma, one, host).v2.reason]),
  );
  t.strictSame(Object.fromEntries(reasons), {
    cxgb4_0: 'the device is of type RNIC; SMC-R needs RoCE',
    mlx5_0: 'the port is active and has a RoCE v2 address for IPv4',
    mlx5_1: 'the port is DOWN, not ACTIVE',
    mlx5_2: 'the port is on an InfiniBand fabric; SMC-R needs RoCE',
    rxe0: 'the SMC module does not know the device',
  });
  const [, { ports: [first] = [] } = {}] = host.rdmaDevices;
  const third = { ...first!, number: 3 };
  t.match(rdmaPortUse(host.rdmaDevices[1]!, third, host).v1.reason, 'ports 1 to 2 only');
});

t.test('a mainframe: hardware PNET IDs', async (t) => {
  const ism = (pciId: string, pnetId: string): object => ({
    pciId,
    port: { pnetId, pnetUser: 0 },
  });
  const facts = {
    ports: [
      port('mlx4_0', 'NET1', { port2: { valid: 1, pnetId: 'NET2', pnetUser: 0 } }),
      port('mlx5_0', 'NETC'),
      port('mlx5_1', 'NETT'),
    ],
    isms: [ism('0000:00:00.0', 'NET1'), ism('0000:00:00.1', '')],
    isIsmV2: 1,
    ueids: [],
    seid: { entry: 'IBM-SYSZ-ISMSEID00000000', enabled: 1 },
    addresses: [ipv4Row(2, '10.1.0.9/16')],
  };
  const host = await hostOf(t, mainframe, facts);
  const osa = choose('enc1000', host);
  t.strictSame(osa?.pnet, { pnetId: 'NET1', source: 'hardware' });
  t.strictSame(
    osa?.rdma.map((candidate) => `${candidate.device.name}/${candidate.port.number}`),
    ['mlx4_0/1'],
  );
  t.strictSame(osa?.smcrV1, {
    usable: true,
    reason: 'mlx4_0 port 1: the port is active and has a RoCE v1 address',
  });
  t.match(osa?.smcrV2.reason, /there is no UEID/);
  t.strictSame(osa?.smcdV1, { usable: true, reason: '0000:00:00.0: for interfaces with PNET ID NET1' });
  t.strictSame(osa?.smcdV2, {
    usable: true,
    reason: '0000:00:00.0: for all interfaces; its PNET ID NET1 is that of an interface',
  });
  t.strictSame(
    osa?.ism.map(({ name }) => name),
    ['0000:00:00.0', '0000:00:00.1'],
  );

  const second = choose('enc2000', host);
  t.strictSame(
    second?.rdma.map((candidate) => `${candidate.device.name}/${candidate.port.number}`),
    ['mlx4_0/2'],
  );
  t.strictSame(second?.smcdV1, { usable: false, reason: 'no ISM device has the PNET ID NET2 of enc2000' });

  t.equal(choose('vlan7', host)?.pnet.pnetId, 'NETC', 'a VLAN has that of its base device');
  t.match(choose('lo', host)?.smcdV1.reason, 'lo has no PNET ID');
  t.strictSame(rdmaPnet(host.rdmaDevices[2]!, 1, host), { pnetId: 'NETT', source: 'table' });
});

t.test('ISM devices', async (t) => {
  const one = (facts: Kernel, ...more: Files[]) => hostOf(t, mainframe, facts, ...more);
  const known = [
    { pciId: '0000:00:00.0', port: {} },
    { pciId: '0000:00:00.1', port: {} },
  ];
  const [first, second] = ismDevices(await one({ isms: known, isIsmV2: 1 }));
  t.match(first?.pnet, { pnetId: 'NET1', source: 'hardware' });
  t.match(second?.v1, { usable: false, reason: 'it has no PNET ID; SMC-D version 1 needs one' });
  t.match(second?.v2, { usable: true, reason: 'for all interfaces, because it has no PNET ID' });

  const pnet = [device('SOFT', '0000:00:00.1')];
  const [, soft] = ismDevices(await one({ isms: known, isIsmV2: 1, pnet }));
  t.match(soft, {
    pnet: { pnetId: 'SOFT', source: 'table' },
    v1: { usable: true },
    v2: { usable: false, reason: 'no interface that is up has its PNET ID SOFT in hardware' },
  });

  const [, unlisted] = ismDevices(await one({ isms: known.slice(0, 1), isIsmV2: 1 }));
  t.match(unlisted?.v1, { usable: false, reason: 'the SMC module does not know the device' });
  const [old] = ismDevices(await one({ isms: known, isIsmV2: 0 }));
  t.match(old?.v2, { usable: false, reason: 'no SMC-D device of this host supports version 2' });
  const [lonely] = ismDevices(await one({ isms: known, isIsmV2: 1, ueids: [] }));
  t.match(lonely?.v2, { usable: false, reason: /neither a UEID nor an enabled SEID/ });
});

t.test('an ISM device without its driver', async (t) => {
  const files: Files = {
    'sys/bus/pci/devices/0000:00:00.0/vendor': '0x1014\n',
    'sys/bus/pci/devices/0000:00:00.0/device': '0x04ed\n',
  };
  const [ism] = ismDevices(await hostOf(t, files, {}));
  t.match(ism?.v1, { usable: false, reason: 'no driver is bound to the device; load the module ism' });
});

t.test('loopback-ism, and how a PNET ID disables it', async (t) => {
  const [loopback] = ismDevices(await hostOf(t, server, { isIsmV2: 1 }));
  t.match(loopback, { name: 'loopback-ism', v1: { usable: false }, v2: { usable: true } });
  const host = await hostOf(t, server, { isIsmV2: 1, pnet: [device('NETA', 'loopback-ism')] });
  t.match(ismDevices(host), [
    { v2: { usable: false, reason: 'no interface that is up has its PNET ID NETA in hardware' } },
  ]);
  t.match(choose('lo', host)?.smcdV2, { usable: false, reason: /^loopback-ism: / });
});

t.test('without SMC everything of the kernel is unknown, and nothing loads it', async (t) => {
  const kernel = new FakeKernel();
  kernel.addresses = () => ADDRESSES;
  const modules: Files = { 'lib/modules/6.12.0-test/modules.dep': 'kernel/net/smc/smc.ko:\n' };
  const hostRoot = plantOnce(server, modules);
  const client = new SmcClient({ transport: kernel, hostRoot });
  t.teardown(() => client.close());
  const host = await observeHost(client, hostRoot, CHOICE_PARTS);
  t.strictSame(kernel.log, ['nlctrl GETFAMILY', 'ROUTE GETADDR'], 'no family was asked for by its name');
  const why = 'there is no SMC in the kernel at the moment';
  const unseen = unseenParts(host, CHOICE_PARTS);
  t.match(unseen, [{ part: 'system', why, error: { code: 'NO_SMC' } }]);
  t.equal(unseen.length, 1, 'one failure is told once');
  const choice = choose('eth0', host);
  t.strictSame(choice?.pnet, { pnetId: undefined, source: 'unknown' });
  t.strictSame(choice?.smcrV2, {
    usable: undefined,
    reason:
      'rxe0 port 1: the port is active and has a RoCE v2 address for IPv4, but SMC in the kernel cannot be queried',
  });
  t.strictSame(choice?.smcdV2, {
    usable: undefined,
    reason: 'the kernel does not report SMC-D devices',
  });
  t.match(choose('veth1', host)?.smcrV1, { usable: undefined });
});

t.test('parts that fail are named, the others stand', async (t) => {
  const hostRoot = plantOnce(server);
  const kernel = new FakeKernel().serve(smcGenNetlink, {
    GET_SYS_INFO: () => [{ sysInfo: { version: 2 } }],
    GET_DEV_SMCR: () => [],
  });
  const client = new SmcClient({ transport: kernel, hostRoot });
  t.teardown(() => client.close());
  const host = await observeHost(client, hostRoot, CHOICE_PARTS);
  t.strictSame(
    unseenParts(host, CHOICE_PARTS).map(({ part }) => part),
    ['pnetTable', 'smcdDevices', 'ueids', 'seid'],
  );
  t.strictSame([host.smcrPorts.value, host.ueids.value], [[], undefined]);
});

t.test('prefixes', async (t) => {
  t.ok(isInPrefix('10.0.0.1', '10.0.0.254', 24));
  t.notOk(isInPrefix('10.0.0.1', '10.0.1.1', 24));
  t.ok(isInPrefix('10.0.0.1', '200.0.1.1', 0));
  t.notOk(isInPrefix('200.0.0.1', '200.0.0.2', 32));
  t.ok(isInPrefix('255.255.255.255', '255.255.255.254', 31));
});

t.test("what the kernel's SMC says counts more than what follows from /sys", async (t) => {
  const used = (ibName: string, linkCount: number, state = 1) => ({
    ibName,
    port: { pnetUser: 0, pnetId: '', netDev: 0, state, valid: 1, linkCount },
  });
  const verdict = async (ports: object[], name: string) => {
    const host = await hostOf(t, server, { ports, addresses: ADDRESSES } as never);
    const device = host.rdmaDevices.find((one) => one.name === name)!;
    return rdmaPortUse(device, device.ports[0]!, host);
  };
  // of type RNIC
  t.match((await verdict([], 'cxgb4_0')).v2, { usable: false, reason: /of type RNIC/ });
  t.match((await verdict([used('cxgb4_0', 0)], 'cxgb4_0')).v2, {
    usable: false,
    reason: /no RoCE v2 address/,
  });
  t.match((await verdict([used('cxgb4_0', 2)], 'cxgb4_0')).v2, {
    usable: undefined,
    reason: /^the kernel has links over the port, although the port has no RoCE v2 address/,
  });
  // on InfiniBand
  t.match((await verdict([used('mlx5_2', 0)], 'mlx5_2')).v1, { usable: false, reason: /InfiniBand/ });
  t.match((await verdict([used('mlx5_2', 1)], 'mlx5_2')).v1, { usable: undefined });
  t.match((await verdict([used('rxe0', 0)], 'rxe0')).v2, { usable: true });
  t.match(
    (await verdict([used('rxe0', 2)], 'rxe0')).v1,
    { usable: false, reason: /^the port has no RoCE v1 address/ },
    'its addresses of version 2 explain the links',
  );
  t.match((await verdict([used('rxe0', 0, 0)], 'rxe0')).v2, {
    usable: false,
    reason: /the SMC module considers it inactive/,
  });
});
