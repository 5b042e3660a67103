// SPDX-License-Identifier: MIT
import t from 'tap';
import { hostFiles } from '../../src/smc/host.ts';
import { tableDevices } from '../../src/smc/table-devices.ts';
import { dibs, mainframe, plant } from '../helpers/host-trees.ts';

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
  t.strictSame(tableDevices(hostFiles(root)), [
    { name: 'mlx5_0', aliases: ['0000:01:00.0'] },
    { name: 'rxe0', aliases: [] },
    { name: '0000:00:00.0', aliases: [] },
  ]);
  t.strictSame(tableDevices(hostFiles(t.testdir({}))), []);
});

t.test('since Linux 6.18 SMC-D devices have names of their own', async (t) => {
  const tree = plant(t, mainframe, dibs);
  const of = (root: string): object[] =>
    tableDevices(hostFiles(root)).filter(({ name }) => /^(?:ism|lo|0000:00)/.test(name));
  t.strictSame(of(tree), [
    { name: 'ism10', aliases: ['0000:00:00.0'] },
    { name: 'ism1a', aliases: ['0000:00:00.1'] },
    { name: 'lo', aliases: [] },
  ]);
  t.strictSame(of(plant(t, mainframe)), [
    { name: '0000:00:00.0', aliases: [] },
    { name: '0000:00:00.1', aliases: [] },
  ]);
  const unloaded = plant(t, mainframe, { 'proc/sys/kernel/osrelease': '6.18.0\n' });
  t.strictSame(
    of(unloaded),
    [
      { name: 'ism10', aliases: ['0000:00:00.0'] },
      { name: 'ism11', aliases: ['0000:00:00.1'] },
    ],
    'as they will be called',
  );
});
