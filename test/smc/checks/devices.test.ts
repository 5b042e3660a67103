// SPDX-License-Identifier: MIT
// The checks of RDMA devices, SMC-D devices and MTU
import t from 'tap';
import { ismDeviceCheck } from '../../../src/smc/checks/ism.ts';
import { mtuCheck } from '../../../src/smc/checks/mtu.ts';
import { rdmaChecks } from '../../../src/smc/checks/rdma.ts';
import {
  ETH0,
  healthyHost,
  NOT_SEEN,
  outline,
  PORT,
  RDMA,
  run,
  SOFT_ROCE,
  smcdDevice,
  smcrPort,
  WITH_LOOPBACK,
  wellFormed,
} from '../../helpers/healthy-host.ts';

const rdma = (changes: object) => {
  const checks = run(rdmaChecks, healthyHost(changes));
  wellFormed(t, checks);
  return checks;
};
const withPort = (port: object) => ({ rdmaDevices: [{ ...RDMA, ports: [{ ...PORT, ...port }] }] });

t.test('a device as it should be', async (t) => {
  const checks = rdma({});
  t.strictSame(outline(checks), ['pass rdma-device mlx5_0', 'pass rdma-port mlx5_0/1']);
  t.equal(checks[0]!.finding, 'mlx5_core at 0000:01:00.0, 1 port');
  t.equal(checks[1]!.finding, 'active on eth0, PNET ID NET1, addresses: 1 RoCE v1, 1 RoCE v2 (1 for IPv4)');
  t.match(checks[1]!.facts, { interface: 'eth0', pnet_id: 'NET1', pnet_id_by_user: true, links: 0 });
});

t.test('no device', async (t) => {
  const none = { rdmaDevices: [], smcrPorts: { value: [] } };
  t.match(rdma({ ...none }), [{ status: 'fail', fix: /rdma link add/ }]);
  t.match(rdma({ ...none, isMainframe: true }), [{ status: 'fail', fix: /smc_rnics -e FID/ }]);
  t.match(rdma({ ...none, ...WITH_LOOPBACK }), [{ status: 'warning' }]);
  t.match(rdma({ ...none, isInitialNamespace: false }), [
    { status: 'fail', finding: /this network namespace/, fix: /rdma system set netns shared/ },
  ]);
});

t.test('devices that are none for SMC-R', async (t) => {
  t.match(rdma({ rdmaDevices: [{ ...RDMA, nodeType: 'RNIC' }], smcrPorts: { value: [] } })[0], {
    status: 'warning',
    finding: /RNIC/,
  });
  t.match(rdma({ smcrPorts: { value: [] } })[0], { status: 'warning', fix: 'dmesg | grep smc' });
  t.match(rdma({ smcrPorts: NOT_SEEN })[0], { status: 'pass', facts: { known_to_smc: null } });
});

t.test('what the kernel says counts more than what follows from /sys', async (t) => {
  const smcrPorts = { value: [smcrPort('mlx5_0', { links: 2 })] };
  const iwarp = rdma({ smcrPorts, rdmaDevices: [{ ...RDMA, nodeType: 'RNIC' }] });
  t.match(iwarp[0], { status: 'pass', finding: /node type RNIC, which module smc uses/ });
  t.match(rdma({ smcrPorts, ...withPort({ gids: [] }) })[1], {
    status: 'pass',
    finding: /2 links of SMC-R over it$/,
  });
  t.match(rdma({ smcrPorts, ...withPort({ state: undefined }) })[1], { status: 'pass' });
  t.match(rdma({ smcrPorts, ...withPort({ state: 'DOWN' }) })[1], { status: 'fail' }, 'RDMA says so itself');
  t.match(rdma({ smcrPorts, rdmaDevices: [] }), [
    { status: 'unknown', finding: 'module smc knows mlx5_0, but /sys does not show it' },
  ]);
  t.strictSame(
    run(mtuCheck, healthyHost({ rdmaDevices: [{ ...RDMA, nodeType: 'RNIC' }] }), [{ ...ETH0, mtu: 300 }]),
    [],
    'the sizes are those of RoCE',
  );
});

t.test('ports that are not active', async (t) => {
  const down = { state: 'DOWN', physicalState: 'Disabled' };
  const [, port] = rdma({ ...withPort(down), interfaces: [{ ...ETH0, isUp: false }] });
  t.match(port, {
    status: 'fail',
    finding: 'the port is DOWN on eth0',
    reason: 'its interface eth0 is set down',
    fix: 'ip link set eth0 up',
  });
  const noCarrier = { ...withPort(down), interfaces: [{ ...ETH0, operstate: 'down' }] };
  t.match(rdma(noCarrier)[1], { status: 'fail', reason: /its link is down/, fix: /check cable/ });
  const elsewhere = { rdmaDevices: [{ ...SOFT_ROCE, ports: [{ ...PORT, ...down, netdev: undefined }] }] };
  t.match(rdma({ ...elsewhere, interfaces: [] })[1], {
    status: 'fail',
    reason: /not in this network namespace/,
  });
  const two = { rdmaDevices: [{ ...RDMA, ports: [PORT, { ...PORT, ...down, number: 2 }] }] };
  t.match(rdma(two).slice(1), [{ status: 'pass' }, { status: 'warning', subject: 'mlx5_0/2' }]);
  const missed = smcrPort('mlx5_0', { state: 'INACTIVE' });
  t.match(rdma({ smcrPorts: { value: [missed] } })[1], {
    status: 'fail',
    finding: /module smc considers it inactive/,
  });
  t.match(rdma(withPort({ number: 3 }))[1], { status: 'warning', reason: /ports 1 and 2 only/ });
});

t.test('addresses of ports', async (t) => {
  const v6 = { index: 0, gid: 'fe80:0000:0000:0000:0000:00ff:fe00:0001', type: 'v2', netdev: 'eth0' };
  t.match(rdma(withPort({ gids: [] }))[1], { status: 'fail', finding: /without an address/ });
  t.match(rdma(withPort({ gids: [v6] }))[1], { status: 'fail', finding: /1 RoCE v2 \(0 for IPv4\)/ });
  t.match(rdma(withPort({ gids: [{ ...v6, type: 'v1' }, v6] }))[1], {
    status: 'warning',
    reason: /only version 1/,
  });
  t.match(rdma({ rdmaDevices: [SOFT_ROCE], smcrPorts: NOT_SEEN })[1], {
    status: 'pass',
    finding: /0 RoCE v1/,
  });
});

const ism = (changes: object) => {
  const checks = run(ismDeviceCheck, healthyHost(changes));
  wellFormed(t, checks);
  return checks;
};
const entry = (ibName: string) => ({
  pnetTable: { value: [{ pnetId: 'NET1', kind: 'device', ethName: 'n/a', ibName, ibPort: 1 }] },
});

t.test('SMC-D devices', async (t) => {
  t.match(ism({}), [{ status: 'pass', subject: null, finding: /normal on machines other than IBM Z/ }]);
  t.match(ism({ isMainframe: true }), [{ status: 'warning', fix: /smc_rnics/ }]);
  t.match(ism({ smcdDevices: NOT_SEEN }), [{ status: 'unknown' }]);
  const device = smcdDevice({ pciId: '0000:00:00.0', linkGroups: 1, pnetId: 'NET1' });
  const without = smcdDevice({ pciId: '0000:00:01.0' });
  t.match(ism({ smcdDevices: { value: [device, without] } }), [
    {
      status: 'pass',
      subject: '0000:00:00.0',
      finding: 'ISM device, PNET ID NET1',
      facts: { link_groups: 1 },
    },
    { status: 'pass', subject: '0000:00:01.0', finding: 'ISM device without a PNET ID' },
  ]);
});

t.test('loopback-ism', async (t) => {
  t.match(ism({ ...WITH_LOOPBACK }), [{ status: 'pass', subject: 'loopback-ism' }]);
  for (const [release, name, other] of [
    ['6.12.1', 'loopback-ism', 'lo'],
    ['6.18.1', 'lo', 'loopback-ism'],
  ] as const) {
    t.match(ism({ release, ...WITH_LOOPBACK, ...entry(name) }), [
      { status: 'fail', finding: /disables it/, fix: /^smc_pnet -d NET1/ },
    ]);
    t.match(ism({ release, ...WITH_LOOPBACK, ...entry(other) }), [{ status: 'pass' }], 'no name of it');
  }
  t.match(ism({ ...WITH_LOOPBACK, isMainframe: true, ...entry('loopback-ism') }), [{ status: 'warning' }]);
  t.match(ism({ ...entry('loopback-ism') }), [{ status: 'warning', fix: 'smc_pnet -d NET1' }]);
  t.match(ism({ ...WITH_LOOPBACK, ...entry('mlx5_0') }), [{ status: 'pass' }]);
});

t.test('what the class dibs tells', async (t) => {
  const lo = {
    name: 'lo',
    gid: '6ba7b8109dad41d1',
    extGid: '80b400c04fd430c8',
    fabricId: 0xffff,
    pciAddress: undefined,
    isLoopback: true,
  };
  const ism1a = { ...lo, name: 'ism1a', fabricId: 0x7c0, pciAddress: '0000:00:00.0', isLoopback: false };
  const device = smcdDevice({ pciId: '0000:00:00.0' });
  const both = { smcdDevices: { value: [device] }, dibsDevices: [ism1a, lo] };
  t.match(ism(both), [
    { subject: '0000:00:00.0', facts: { dibs_name: 'ism1a', fabric_id: '07c0' } },
    { subject: 'loopback-ism', facts: { dibs_name: 'lo', fabric_id: 'ffff', present: true } },
  ]);
  t.match(ism({})[0]!.reason, /CONFIG_SMC_LO \(since Linux 6\.10\)/);
  t.match(ism({ release: '6.18.0' })[0]!.reason, /CONFIG_DIBS_LO$/);
});

t.test('MTU', async (t) => {
  const mtu = (eth0: number, vlan?: number) => {
    const below = { ...ETH0, mtu: eth0 };
    const above = { ...ETH0, name: 'vlan5', mtu: vlan ?? 0, kind: 'vlan', lower: ['eth0'] };
    const checks = run(mtuCheck, healthyHost({ interfaces: [below, above] }), [
      vlan === undefined ? below : above,
    ]);
    wellFormed(t, checks);
    return checks;
  };
  t.match(mtu(9000), [
    { status: 'pass', finding: 'the MTU is 9000, which allows RDMA packets of 4096 bytes' },
  ]);
  t.match(mtu(1500), [{ status: 'pass', facts: { rdma_mtu: 1024 } }]);
  t.match(mtu(1000), [{ status: 'warning', facts: { rdma_mtu: 512 }, fix: /^ip link set eth0 mtu/ }]);
  t.match(mtu(300), [{ status: 'fail', facts: { rdma_mtu: null } }]);
  t.match(mtu(1500, 1500), [{ status: 'pass', subject: 'vlan5', facts: { base_interface: 'eth0' } }]);
  t.match(mtu(1500, 9000), [{ status: 'warning', fix: 'ip link set eth0 mtu 9000' }]);
  t.strictSame(
    run(mtuCheck, healthyHost({ rdmaDevices: [] }), [ETH0]),
    [],
    'without RDMA the MTU is nothing to SMC',
  );
});
