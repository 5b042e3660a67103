// SPDX-License-Identifier: MIT
import t from 'tap';
import { baseDevice, readInterface, readInterfaces, vlanId } from '../../src/host/network-interfaces.ts';
import { mainframe, networkInterface, plant, server } from '../helpers/host-trees.ts';

t.test('a server', async (t) => {
  const root = plant(t, server);
  const interfaces = readInterfaces(root);
  t.strictSame(
    interfaces.map(({ name, kind }) => [name, kind]),
    [
      ['bond0', 'bond'],
      ['bond0.100', 'vlan'],
      ['down0', 'virtual'],
      ['ens1f0', 'ethernet'],
      ['ens1f1', 'ethernet'],
      ['eth0', 'ethernet'],
      ['ib0', 'infiniband'],
      ['lo', 'loopback'],
      ['veth1', 'veth'],
    ],
  );
  const find = (name: string) => interfaces.find((candidate) => candidate.name === name);
  t.strictSame(find('ens1f0'), {
    name: 'ens1f0',
    index: 3,
    mtu: 9000,
    operstate: 'up',
    flags: 0x1003,
    isUp: true,
    type: 1,
    address: '02:00:00:00:00:01',
    kind: 'ethernet',
    lower: [],
    upper: ['bond0'],
    parent: { bus: 'pci', id: '0000:5e:00.0' },
    driver: 'mlx5_core',
    chpid: undefined,
    portNumber: undefined,
    devPort: 0,
  });
  t.strictSame([find('down0')?.isUp, find('down0')?.operstate], [false, 'down']);
  t.equal(find('lo')?.parent, undefined);
});

t.test('the base device is found as the kernel walks: the first one that was added to a bond', async (t) => {
  const interfaces = readInterfaces(plant(t, server));
  const base = (name: string): string | undefined => baseDevice(name, interfaces)?.name;
  t.equal(base('bond0.100'), 'ens1f1');
  t.equal(base('bond0'), 'ens1f1');
  t.equal(base('eth0'), 'eth0');
  t.equal(base('nothing'), undefined);
});

t.test('order below a bridge is that of creation, and an interface elsewhere ends the walk', async (t) => {
  const root = plant(
    t,
    networkInterface('br0', { index: 9, lower: ['a', 'b'], devtype: 'bridge' }),
    networkInterface('a', { index: 5 }),
    networkInterface('b', { index: 3, lower: ['gone'] }),
  );
  const interfaces = readInterfaces(root);
  t.strictSame(readInterface('br0', root)?.lower, ['b', 'a']);
  t.equal(baseDevice('br0', interfaces)?.name, 'b');
});

t.test('a loop, as in a tree that changes while it is read, ends', async (t) => {
  const root = plant(
    t,
    networkInterface('a', { index: 1, lower: ['b'] }),
    networkInterface('b', { index: 2, lower: ['a'] }),
  );
  t.ok(baseDevice('a', readInterfaces(root)));
});

t.test('kinds by their files alone, for old kernels', async (t) => {
  const root = plant(
    t,
    networkInterface('bond9', { index: 1, slaves: [] }),
    networkInterface('tap0', { index: 2 }),
    { 'sys/class/net/tap0/tun_flags': '0x1002\n', 'sys/class/net/br9/bridge/forward_delay': '0\n' },
    networkInterface('br9', { index: 3 }),
    networkInterface('hsi0', { index: 4, type: 0xffff, parent: ['ccwgroup', '0.0.7000'] }),
  );
  const kinds = Object.fromEntries(readInterfaces(root).map(({ name, kind }) => [name, kind]));
  t.strictSame(kinds, { bond9: 'bond', br9: 'bridge', hsi0: 'hardware', tap0: 'tun' });
});

t.test('a mainframe: channel paths', async (t) => {
  const osa = readInterface('enc2000', plant(t, mainframe));
  t.match(osa, { chpid: 'a0', portNumber: 1, devPort: 1, driver: 'qeth', parent: { bus: 'ccwgroup' } });
});

t.test('VLAN id', async (t) => {
  const root = plant(t, {
    'proc/net/vlan/bond0.100': 'bond0.100  VID: 100\t REORDER_HDR: 1  dev->priv_flags: 1\n',
  });
  t.equal(vlanId('bond0.100', root), 100);
  t.equal(vlanId('bond0', root), undefined);
});

t.test('no sysfs', async (t) => {
  t.strictSame(readInterfaces(t.testdir({})), []);
});
