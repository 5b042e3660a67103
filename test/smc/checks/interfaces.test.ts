// SPDX-License-Identifier: MIT
import t from 'tap';
import type { Check } from '../../../src/smc/checks/check.ts';
import { interfaceCheck, interfacesInUse } from '../../../src/smc/checks/interfaces.ts';
import type { Host } from '../../../src/smc/host.ts';
import {
  ETH0,
  healthyHost,
  NOT_SEEN,
  outline,
  PORT,
  RDMA,
  run,
  SOFT_ROCE,
  smcrPort,
  WITH_LOOPBACK,
  wellFormed,
} from '../../helpers/healthy-host.ts';

const LO = { ...ETH0, name: 'lo', index: 1, kind: 'loopback', parent: undefined };
const ADDRESS = healthyHost().addresses.value![0]!;

const entries = (...rows: [pnetId: string, name: string, port?: number][]): Pick<Host, 'pnetTable'> => ({
  pnetTable: {
    value: rows.map(([pnetId, name, port]) => ({
      pnetId,
      kind: port ? 'device' : 'ethernet',
      ethName: port ? 'n/a' : name,
      ibName: port ? name : 'n/a',
      ibPort: port ?? 255,
    })),
  },
});

/** What the kernel's SMC has of the one port, with the PNET ID that a user gave it. */
const smcPort = (pnetId: string, ibName = 'mlx5_0'): Pick<Host, 'smcrPorts'> => ({
  smcrPorts: {
    value: [smcrPort(ibName, { pnetId: pnetId || undefined, isUserPnetId: pnetId !== '' })],
  },
});

function checks(changes: Partial<Host>, names?: string[]): Check[] {
  const host = healthyHost(changes);
  const chosen = names ? host.interfaces.filter(({ name }) => names.includes(name)) : interfacesInUse(host);
  const found = run(interfaceCheck, host, chosen, names !== undefined);
  wellFormed(t, found);
  return found;
}

t.test('interfaces in use', async (t) => {
  const names = (host: Partial<Host>) => interfacesInUse(healthyHost(host)).map(({ name }) => name);
  t.strictSame(names({}), ['eth0']);
  t.strictSame(names({ interfaces: [{ ...ETH0, isUp: false }] }), []);
  t.strictSame(
    names({ addresses: { value: [{ ...ADDRESS, scope: 'link' }] } }),
    [],
    'IPv6 gives itself these',
  );
  t.strictSame(names({ addresses: NOT_SEEN, interfaces: [ETH0, LO] }), ['eth0', 'lo']);
  t.match(checks({ interfaces: [] }), [{ status: 'fail', subject: null, finding: /^no interface is up/ }]);
});

t.test('the port on the interface itself, when there is no PNET ID', async (t) => {
  const [found] = checks(smcPort(''));
  t.match(found, {
    status: 'pass',
    subject: 'eth0',
    finding:
      'SMC-R versions 1 and 2 over mlx5_0 port 1; no PNET ID, so only an RDMA port on eth0 itself can be used',
    facts: { base_interface: 'eth0', pnet_id: null, pnet_id_source: 'none', rdma_ports: ['mlx5_0/1'] },
  });
  const [soft] = checks({ ...smcPort('', 'rxe0'), rdmaDevices: [SOFT_ROCE] });
  t.match(soft, { status: 'pass', finding: /^SMC-R version 2 over rxe0 port 1; / });
});

t.test('the port with the same PNET ID', async (t) => {
  const [found] = checks({ ...smcPort('NET1'), ...entries(['NET1', 'eth0'], ['NET1', 'mlx5_0', 1]) });
  t.match(found, { status: 'pass', finding: /over mlx5_0 port 1; PNET ID NET1 from the table$/ });
});

t.test('the device below a VLAN', async (t) => {
  const vlan = { ...ETH0, name: 'vlan5', index: 5, kind: 'vlan', lower: ['eth0'] };
  const gids = PORT.gids.map((gid) => ({ ...gid, netdev: 'vlan5' }));
  const [found] = checks(
    {
      ...smcPort('NET1'),
      ...entries(['NET1', 'eth0'], ['NET1', 'mlx5_0', 1]),
      interfaces: [ETH0, vlan],
      rdmaDevices: [{ ...RDMA, ports: [{ ...PORT, gids }] }],
      addresses: { value: [{ ...ADDRESS, index: 5, interface: 'vlan5' }] },
    },
    ['vlan5'],
  );
  t.match(found, {
    status: 'pass',
    finding: /over mlx5_0 port 1; PNET ID NET1 of eth0 below it, from the table$/,
    facts: { base_interface: 'eth0', pnet_id_source: 'base-table' },
  });
});

t.test('PNET IDs that do not match', async (t) => {
  const differ = { ...smcPort('NET2'), ...entries(['NET1', 'eth0'], ['NET2', 'mlx5_0', 1]) };
  t.match(checks(differ), [
    {
      status: 'fail',
      finding: 'no device for SMC: PNET ID NET1 from the table',
      reason: /^SMC-R: no RDMA port has the PNET ID NET1 of eth0; SMC-D: /,
      fix: 'smc_pnet -d NET2; smc_pnet -a NET1 -D mlx5_0 -P 1',
    },
  ]);
  t.match(checks({ ...smcPort(''), ...entries(['NET1', 'eth0']) }), [
    { status: 'fail', fix: 'smc_pnet -a NET1 -D mlx5_0 -P 1' },
  ]);
  const elsewhere = { rdmaDevices: [{ ...RDMA, ports: [{ ...PORT, netdev: 'eth9' }] }] };
  t.match(checks({ ...smcPort('NET2'), ...elsewhere }), [
    { status: 'fail', reason: /eth0 has no PNET ID/, fix: 'smc_pnet -a NET2 -I eth0' },
  ]);
  t.match(checks({ ...smcPort(''), ...elsewhere }), [
    { status: 'fail', fix: 'smc_pnet -a NET1 -I eth0 -D mlx5_0 -P 1' },
  ]);
  const hardware = smcrPort('mlx5_0', { pnetId: 'HW1' });
  t.match(checks({ smcrPorts: { value: [hardware] }, ...elsewhere }), [{ fix: 'smc_pnet -a HW1 -I eth0' }]);
  t.match(checks({ smcrPorts: { value: [hardware] }, ...elsewhere, ...entries(['NET1', 'eth0']) }), [
    { fix: 'smc_pnet -d NET1; smc_pnet -a HW1 -I eth0' },
  ]);
});

t.test('other things in the way', async (t) => {
  t.match(checks({ rdmaDevices: [] }), [{ status: 'fail', fix: 'rdma link add rxe0 type rxe netdev eth0' }]);
  t.match(checks({ rdmaDevices: [], isMainframe: true }), [{ status: 'fail', fix: /smc_rnics -e FID/ }]);
  const down = { rdmaDevices: [{ ...RDMA, ports: [{ ...PORT, state: 'DOWN' }] }] };
  t.match(checks({ ...smcPort(''), ...down }), [
    { status: 'fail', reason: /mlx5_0 port 1: the port is DOWN/, fix: 'ip link set eth0 up' },
  ]);
  const noUeid = { ...smcPort('', 'rxe0'), rdmaDevices: [SOFT_ROCE], ueids: { value: [] } };
  t.match(checks(noUeid), [{ status: 'fail', reason: /there is no UEID/, fix: /^smcd ueid add NAME/ }]);
  const noIpv4 = { ...smcPort('', 'rxe0'), rdmaDevices: [{ ...SOFT_ROCE, ports: [{ ...PORT, gids: [] }] }] };
  t.match(checks(noIpv4), [{ status: 'fail', fix: 'ip address add IPV4ADDRESS/BITS dev eth0' }]);
});

t.test('another network namespace', async (t) => {
  const elsewhere = {
    isInitialNamespace: false,
    rdmaDevices: [{ ...SOFT_ROCE, ports: [{ ...PORT, netdev: undefined }] }],
  };
  t.match(checks({ ...smcPort('', 'rxe0'), ...elsewhere }), [
    {
      status: 'fail',
      reason: /the interfaces of the RDMA devices are in another network namespace$/,
      fix: 'smc_pnet -a NET1 -I eth0; in the initial namespace: smc_pnet -a NET1 -D rxe0 -P 1',
    },
  ]);
});

t.test('SMC-D', async (t) => {
  const loopback = {
    rdmaDevices: [],
    ...WITH_LOOPBACK,
  };
  t.match(checks({ ...loopback, interfaces: [LO], addresses: NOT_SEEN }), [
    { status: 'pass', subject: 'lo', finding: /^SMC-D version 2 over loopback-ism; / },
  ]);
  t.match(checks(loopback), [
    {
      status: 'warning',
      subject: 'eth0',
      reason: /^other hosts are reached over TCP; /,
      fix: /^rdma link add/,
    },
  ]);
});

t.test('one interface fit, another not', async (t) => {
  const eth1 = { ...ETH0, name: 'eth1', index: 3 };
  const two = { ...smcPort(''), interfaces: [ETH0, eth1, LO], addresses: NOT_SEEN };
  t.strictSame(
    outline(checks(two)),
    ['pass interface eth0', 'warning interface eth1'],
    'idle lo is left out',
  );
  t.strictSame(outline(checks(two, ['eth1'])), ['fail interface eth1'], 'unless it was asked for');
  t.strictSame(outline(checks(two, ['lo', 'eth0'])), ['pass interface eth0', 'fail interface lo']);
});

t.test('what cannot be looked at', async (t) => {
  t.match(checks({ families: { value: [] } }), [{ status: 'unknown', reason: /no SMC in the kernel/ }]);
  t.match(checks({ families: NOT_SEEN }), [{ status: 'unknown', reason: 'permission denied' }]);
  const blind = { pnetTable: NOT_SEEN, smcdDevices: NOT_SEEN, rdmaDevices: [{ ...RDMA, ports: [] }] };
  t.match(checks(blind), [{ status: 'unknown', finding: /not known which device/ }]);
});
