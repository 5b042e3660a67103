// SPDX-License-Identifier: MIT
import t from 'tap';
import { gidIpv4, readRdmaDevices, roceMtu, roceVersions } from '../../src/host/rdma-devices.ts';
import { mainframe, plant, rdmaDevice, server } from '../helpers/host-trees.ts';

t.test('a server', async (t) => {
  const devices = readRdmaDevices(plant(t, server));
  t.strictSame(
    devices.map(({ name, nodeType, parent, driver, numaNode, isSoftRoce }) => [
      name,
      nodeType,
      parent,
      driver,
      numaNode,
      isSoftRoce,
    ]),
    [
      ['cxgb4_0', 'RNIC', '0000:af:00.0', 'cxgb4', undefined, false],
      ['mlx5_0', 'CA', '0000:5e:00.0', 'mlx5_core', 1, false],
      ['mlx5_1', 'CA', '0000:5e:00.1', 'mlx5_core', 1, false],
      ['mlx5_2', 'CA', '0000:86:00.0', 'mlx5_core', undefined, false],
      ['rxe0', 'CA', undefined, 'rdma_rxe', undefined, true],
    ],
  );
  const [, first, second, fabric, soft] = devices;
  t.strictSame([first?.firmware, first?.nodeGuid], ['16.35.2000', 'b8ce:f603:0012:3456']);
  const { gids, ...port } = first!.ports[0]!;
  t.strictSame(port, {
    number: 1,
    state: 'ACTIVE',
    physicalState: 'LinkUp',
    rate: '100 Gb/sec (4X EDR)',
    linkLayer: 'Ethernet',
    netdev: 'ens1f0',
  });
  t.strictSame(
    gids.map(({ index, type, netdev }) => [index, type, netdev]),
    [
      [0, 'v1', 'ens1f0'],
      [1, 'v2', 'ens1f0'],
      [2, 'v1', 'ens1f0'],
      [3, 'v2', 'ens1f0'],
      [5, 'v1', 'bond0.100'],
      [6, 'v2', 'bond0.100'],
    ],
    'an empty slot is left out',
  );
  t.strictSame(gids.map(gidIpv4), [
    undefined,
    undefined,
    '192.168.5.1',
    '192.168.5.1',
    '192.168.100.1',
    '192.168.100.1',
  ]);
  t.match(second?.ports, [{ state: 'DOWN', physicalState: 'Disabled' }]);
  t.match(fabric?.ports, [{ linkLayer: 'InfiniBand', gids: [{ type: 'infiniband' }], netdev: 'ib0' }]);
  t.match(soft?.ports, [{ netdev: 'eth0', gids: [{ type: 'v2' }, { type: 'v2' }] }]);
  t.equal(devices[0]?.ports[0]?.netdev, undefined);
});

t.test('an adapter with two ports: each has the interface of its number', async (t) => {
  const [express] = readRdmaDevices(plant(t, mainframe));
  t.strictSame(
    express?.ports.map(({ number, netdev }) => [number, netdev]),
    [
      [1, 'eno1'],
      [2, 'eno1d1'],
    ],
  );
});

t.test('tables of more than ten addresses stay in order', async (t) => {
  const gids = Array.from({ length: 12 }, (_, at) => [`gid${at}`, 'v2', 'lo'] as [string, 'v2', string]);
  const [device] = readRdmaDevices(plant(t, rdmaDevice('rxe', { parent: 'lo', ports: [{ gids }] })));
  t.strictSame(
    device?.ports[0]?.gids.map(({ index, gid }) => [index, gid]),
    gids.map(([gid], index) => [index, gid]),
  );
});

t.test('RoCE versions', async (t) => {
  const root = plant(t, server);
  t.strictSame(roceVersions('mlx5_0', root), [1, 2]);
  t.strictSame(roceVersions('rxe0', root), [2]);
  t.strictSame(roceVersions('cxgb4_0', root), [], 'no addresses');
  t.strictSame(roceVersions('nothing', root), []);
});

t.test('MTU of RoCE, from that of the interface', async (t) => {
  for (const [mtu, expected] of [
    [1500, 1024],
    [1119, 512],
    [1120, 1024],
    [9000, 4096],
    [4191, 2048],
    [4192, 4096],
    [65536, 4096],
    [352, 256],
    [351, undefined],
  ] as const)
    t.equal(roceMtu(mtu), expected, String(mtu));
});

t.test('no RDMA', async (t) => {
  t.strictSame(readRdmaDevices(t.testdir({})), []);
});
