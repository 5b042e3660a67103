// SPDX-License-Identifier: MIT
import t from 'tap';
import { pciNames } from '../../src/host/pci-names.ts';
import { plant } from '../helpers/host-trees.ts';

const FILE = [
  '#',
  "#\tList of PCI ID's",
  '',
  '1014  IBM',
  '\t04ed  Internal Shared Memory (ISM) virtual PCI device',
  '15b3  Mellanox Technologies',
  '\t1017  MT27800 Family [ConnectX-5]',
  '\t\t15b3 1019  a subsystem whose device id is no device',
  '\t101d  MT2892 Family [ConnectX-6 Dx]',
  'ffff  Illegal Vendor ID',
  '',
  'C 02  Network controller',
  '\t00  Ethernet controller',
  '',
].join('\n');

const wanted = (text: string) => {
  const [vendor = '', device = ''] = text.split(':');
  return { vendor: Number.parseInt(vendor, 16), device: Number.parseInt(device, 16) };
};

t.test('vendors and devices', async (t) => {
  for (const place of ['usr/share/misc/pci.ids', 'usr/share/hwdata/pci.ids']) {
    const root = plant(t, { [place]: FILE });
    const names = await pciNames(
      ['15b3:101d', '1014:04ed', '15b3:1019', 'ffff:0001', '0002:0001', '15b3:101d'].map(wanted),
      root,
    );
    t.strictSame(Object.fromEntries(names), {
      '1014:04ed': { vendor: 'IBM', device: 'Internal Shared Memory (ISM) virtual PCI device' },
      '15b3:101d': { vendor: 'Mellanox Technologies', device: 'MT2892 Family [ConnectX-6 Dx]' },
      '15b3:1019': { vendor: 'Mellanox Technologies', device: undefined },
      'ffff:0001': { vendor: 'Illegal Vendor ID', device: undefined },
    });
  }
});

t.test('no file, a file that cannot be read, nothing wanted', async (t) => {
  t.equal((await pciNames([wanted('15b3:1017')], t.testdir({}))).size, 0);
  const directory = plant(t, { 'usr/share/misc/pci.ids/file': '' });
  t.equal((await pciNames([wanted('15b3:1017')], directory)).size, 0);
  t.equal((await pciNames([], plant(t, { 'usr/share/misc/pci.ids': FILE }))).size, 0);
});
