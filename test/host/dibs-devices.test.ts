// SPDX-License-Identifier: MIT
import t from 'tap';
import { dibsNameOf, hasDibsNames, readDibsDevices } from '../../src/host/dibs-devices.ts';
import { readPciFunctions } from '../../src/host/pci-devices.ts';
import { dibs, dibsDevice, mainframe, plant, server } from '../helpers/host-trees.ts';

t.test('devices', async (t) => {
  t.strictSame(readDibsDevices(plant(t, mainframe, dibs)), [
    {
      name: 'ism10',
      gid: '0123456789abcdef',
      extGid: undefined,
      fabricId: 0x07c0,
      pciAddress: '0000:00:00.0',
      isLoopback: false,
    },
    {
      name: 'ism1a',
      gid: '0123456789abcdf0',
      extGid: undefined,
      fabricId: 0x07c1,
      pciAddress: '0000:00:00.1',
      isLoopback: false,
    },
    {
      name: 'lo',
      gid: '6ba7b8109dad41d1',
      extGid: '80b400c04fd430c8',
      fabricId: 0xffff,
      pciAddress: undefined,
      isLoopback: true,
    },
  ]);
  t.equal(readDibsDevices(plant(t, mainframe)), undefined, 'before Linux 6.18 nothing is known');
  t.strictSame(readDibsDevices(t.testdir({ sys: { class: { dibs: {} } } })), [], 'there is none');
  const odd = plant(t, { 'sys/class/dibs/lo/gid': 'nonsense\n' });
  t.match(readDibsDevices(odd), [{ name: 'lo', gid: undefined, fabricId: undefined, isLoopback: true }]);
});

t.test('names of ISM functions', async (t) => {
  const root = plant(t, mainframe, dibs);
  const names = (devices: ReturnType<typeof readDibsDevices>) =>
    readPciFunctions(root).flatMap((pci) => dibsNameOf(pci, devices) ?? []);
  t.strictSame(names(readDibsDevices(root)), ['ism10', 'ism1a']);
  t.strictSame(names([]), ['ism10', 'ism1a'], 'before the driver has taken them: the user id, else the FID');
  const [virtual] = readPciFunctions(plant(t, server));
  const other = plant(t, dibsDevice('vism0', { gid: '', fabricId: 'ff00', pci: virtual!.address }));
  t.equal(dibsNameOf(virtual!, readDibsDevices(other)), 'vism0', 'what the class has counts');
  t.equal(dibsNameOf(virtual!, []), undefined);
});

t.test('which kernels have names', async (t) => {
  t.equal(hasDibsNames('6.12.1', undefined), false);
  t.equal(hasDibsNames('6.18.0', undefined), true);
  t.equal(hasDibsNames('5.14.0-999.el9', []), true, 'the class is there, whatever the version');
  t.equal(hasDibsNames(undefined, undefined), false);
});
