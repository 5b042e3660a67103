// SPDX-License-Identifier: MIT
import t from 'tap';
import { decodePnetId, interfacePnetId, pciPnetId, rdmaPnetId } from '../../src/host/hardware-pnetid.ts';
import { readInterfaces } from '../../src/host/network-interfaces.ts';
import { readRdmaDevices } from '../../src/host/rdma-devices.ts';
import { mainframe, plant, server, utilString } from '../helpers/host-trees.ts';

t.test('EBCDIC', async (t) => {
  // `printf 'AIJRSZ0189' | iconv -t IBM-1047`, padded with NULs
  const data = Buffer.from('c1c9d1d9e2e9f0f1f8f9000000000000', 'hex');
  t.equal(decodePnetId(data, 0), 'AIJRSZ0189');
  t.equal(decodePnetId(Buffer.from('81a97b7c404040404040404040404040', 'hex'), 0), 'az#@');
  t.equal(
    decodePnetId(Buffer.alloc(16, 0xff), 0),
    '????????????????',
    'no character of IBM-1047 that we know',
  );
});

t.test('a slice for each port', async (t) => {
  const data = utilString('NET1', '', 'A2345678901234ZZ');
  t.strictSame(
    [0, 1, 2, 3, 4].map((port) => decodePnetId(data, port)),
    ['NET1', undefined, 'A2345678901234ZZ', undefined, undefined],
  );
  t.equal(decodePnetId(Buffer.alloc(64, 0x40), 0), undefined, 'all blank');
  t.equal(decodePnetId(undefined, 0), undefined);
});

t.test('interfaces', async (t) => {
  const root = plant(t, mainframe);
  const ids = readInterfaces(root).map((device) => [device.name, interfacePnetId(device, root)]);
  t.strictSame(Object.fromEntries(ids), {
    enc1000: 'NET1',
    enc2000: 'NET2',
    eno1: 'NET1',
    eno1d1: 'NET2',
    eno2: 'NETC',
    eno3: undefined,
    eno4: 'NETD',
    eno5: 'NETD',
    lo: undefined,
    vlan7: undefined,
  });
});

t.test('RDMA ports and PCI functions', async (t) => {
  const root = plant(t, mainframe);
  const [express, express2] = readRdmaDevices(root);
  t.strictSame([rdmaPnetId(express!, 1, root), rdmaPnetId(express!, 2, root)], ['NET1', 'NET2']);
  t.equal(rdmaPnetId(express2!, 1, root), 'NETC');
  t.equal(pciPnetId('0000:00:00.0', 0, root), 'NET1');
});

t.test('other machines have none', async (t) => {
  const root = plant(t, server);
  for (const device of readInterfaces(root)) t.equal(interfacePnetId(device, root), undefined);
  for (const device of readRdmaDevices(root)) t.equal(rdmaPnetId(device, 1, root), undefined);
});
