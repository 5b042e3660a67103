// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  isIsm,
  readPciFunction,
  readPciFunctions,
  readPciSlots,
  setSlotPower,
  slotPower,
} from '../../src/host/pci-devices.ts';
import { mainframe, pciFunction, plant, server, slot } from '../helpers/host-trees.ts';

t.test('a server', async (t) => {
  const root = plant(t, server);
  t.equal(readPciFunctions(root).length, 5);
  t.strictSame(readPciFunction('0000:5e:00.0', root), {
    address: '0000:5e:00.0',
    vendor: 0x15b3,
    device: 0x1019,
    subsystemVendor: 0x15b3,
    subsystemDevice: 0x0008,
    class: 0x020000,
    driver: 'mlx5_core',
    numaNode: 1,
    physicalFunction: undefined,
    netdevs: ['ens1f0'],
    rdmaDevices: ['mlx5_0'],
    mainframe: undefined,
  });
  t.equal(readPciFunction('0000:ff:00.0', root), undefined);
  t.strictSame(readPciFunctions(t.testdir({})), []);
});

t.test('a virtual function knows its physical one', async (t) => {
  const root = plant(
    t,
    pciFunction('0000:5e:00.2', { vendor: '15b3', device: '101a', physfn: '0000:5e:00.0' }),
  );
  t.equal(readPciFunction('0000:5e:00.2', root)?.physicalFunction, '0000:5e:00.0');
});

t.test('a mainframe', async (t) => {
  const root = plant(t, mainframe);
  const functions = readPciFunctions(root);
  t.strictSame(
    functions.filter(isIsm).map(({ address }) => address),
    ['0000:00:00.0', '0000:00:00.1'],
  );
  const { utilString, ...facts } = readPciFunction('0002:00:00.0', root)!.mainframe!;
  t.strictSame(facts, { fid: 0x12a, pchid: 0x1fc, type: 0x0a, virtualFunction: 2, port: 1, uid: 0 });
  t.equal(utilString?.length, 64);
});

t.test('files that are missing or empty leave their fact out', async (t) => {
  const root = plant(
    t,
    pciFunction('0000:00:00.0', { vendor: '15b3', device: '1016', more: { function_id: '0x7', vfn: '' } }),
  );
  t.strictSame(readPciFunction('0000:00:00.0', root)?.mainframe, {
    fid: 7,
    pchid: undefined,
    type: undefined,
    virtualFunction: undefined,
    port: undefined,
    uid: undefined,
    utilString: undefined,
  });
});

t.test('slots, and their switch', async (t) => {
  const root = plant(t, slot('0000012a', 1), slot('00000010', 0), slot('1', 1), slot('1-1', 1));
  t.strictSame(readPciSlots(root), [
    { fid: 0x10, isOn: false },
    { fid: 0x12a, isOn: true },
  ]);
  setSlotPower(0x12a, false, root);
  t.equal(readFileSync(`${root}/sys/bus/pci/slots/0000012a/power`, 'latin1'), '0');
  t.equal(slotPower(0x12a, root), false);
  setSlotPower(0x12a, true, root);
  t.equal(slotPower(0x12a, root), true);
  t.equal(slotPower(0x99, root), undefined);
  t.throws(() => setSlotPower(0x99, true, root), { code: 'ENOENT' });
});
