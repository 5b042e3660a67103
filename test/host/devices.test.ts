// SPDX-License-Identifier: MIT
import t from 'tap';
import { networkInterfaces, rdmaAndIsmDevices } from '../../src/host/devices.ts';

t.test('interfaces are sorted, and bonding_masters is none', async (t) => {
  const root = t.testdir({
    sys: { class: { net: { eth1: {}, lo: {}, bonding_masters: 'bond0\n', eth0: {} } } },
  });
  t.strictSame(networkInterfaces(root), ['eth0', 'eth1', 'lo']);
  t.strictSame(networkInterfaces(t.testdir({})), []);
});

t.test('RDMA devices with their PCI address, ISM functions by theirs', async (t) => {
  const pciDevice = (vendor: string, device: string) => ({
    vendor: `${vendor}\n`,
    device: `${device}\n`,
  });
  const root = t.testdir({
    sys: {
      class: {
        infiniband: {
          mlx5_0: { device: t.fixture('symlink', '../../../devices/pci0000:00/0000:01:00.0') },
          rxe0: {},
        },
      },
      bus: {
        pci: {
          devices: {
            '0000:00:00.0': pciDevice('0x1014', '0x04ed'),
            '0000:01:00.0': pciDevice('0x15b3', '0x1019'),
            '0001:00:00.0': pciDevice('0x1014', '0x044b'),
            '0002:00:00.0': pciDevice('0x8086', '0x04ed'),
            '0003:00:00.0': {},
          },
        },
      },
    },
  });
  t.strictSame(rdmaAndIsmDevices(root), [
    { name: 'mlx5_0', aliases: ['0000:01:00.0'] },
    { name: 'rxe0', aliases: [] },
    { name: '0000:00:00.0', aliases: [] },
  ]);
  t.strictSame(rdmaAndIsmDevices(t.testdir({})), []);
});
