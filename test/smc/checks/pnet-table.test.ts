// SPDX-License-Identifier: MIT
import t from 'tap';
import { readDibsDevices } from '../../../src/host/dibs-devices.ts';
import { readPciFunctions } from '../../../src/host/pci-devices.ts';
import { pnetTableCheck } from '../../../src/smc/checks/pnet-table.ts';
import type { Host } from '../../../src/smc/host.ts';
import {
  ETH0,
  healthyHost,
  NOT_SEEN,
  run,
  smcdDevice,
  smcrPort,
  wellFormed,
} from '../../helpers/healthy-host.ts';
import { dibs, mainframe, plant } from '../../helpers/host-trees.ts';

const eth = (pnetId: string, ethName: string) => ({
  pnetId,
  kind: 'ethernet' as const,
  ethName,
  ibName: 'n/a',
  ibPort: 255,
});
const dev = (pnetId: string, ibName: string) => ({
  pnetId,
  kind: 'device' as const,
  ethName: 'n/a',
  ibName,
  ibPort: 1,
});

function checks(entries: ReturnType<typeof eth | typeof dev>[], changes: Partial<Host> = {}) {
  const found = run(
    pnetTableCheck,
    healthyHost({ smcrPorts: { value: [] }, pnetTable: { value: entries }, ...changes }),
  );
  wellFormed(t, found);
  return found;
}

t.test('whole', async (t) => {
  t.match(checks([eth('NET1', 'eth0'), dev('NET1', 'mlx5_0')]), [
    { status: 'pass', finding: '1 PNET ID: NET1' },
  ]);
  t.match(checks([eth('NET1', 'eth0'), dev('NET1', '0000:01:00.0')]), [{ status: 'pass' }], 'by PCI address');
  const known = { value: [smcrPort('mlx5_0', { number: 2, pnetId: 'NET1' })] };
  t.match(
    checks([eth('NET1', 'eth0')], { smcrPorts: known }),
    [{ status: 'pass' }],
    'a second port has no entry',
  );
  const ism = { value: [smcdDevice({ pciId: '0000:00:00.0', pnetId: 'NET1' })] };
  t.match(checks([eth('NET1', 'eth0')], { smcdDevices: ism }), [{ status: 'pass' }]);
  t.match(checks([eth('NET1', 'eth0'), dev('NET1', 'loopback-ism')]), [{ status: 'pass' }]);
});

t.test('empty', async (t) => {
  t.match(checks([]), [{ status: 'pass', finding: /^empty: an interface uses the RDMA port/ }]);
  t.match(checks([], { isMainframe: true }), [{ status: 'warning', fix: /^smc_pnet -a/ }]);
  const util = Buffer.alloc(64, 0x40);
  util.set([0xd5, 0xc5, 0xe3, 0xf1]); // NET1 in EBCDIC
  const root = t.testdir({
    sys: { bus: { pci: { devices: { '0000:01:00.0': { util_string: util } } } } },
  });
  t.match(checks([], { isMainframe: true, root }), [
    { status: 'pass', finding: 'empty; PNET IDs come from hardware (eth0)' },
  ]);
});

t.test('names that are not there', async (t) => {
  t.match(checks([eth('NET1', 'eht0'), dev('NET1', 'mlx5_9')]), [
    { status: 'warning', subject: 'NET1', finding: 'there is no interface eht0' },
    { status: 'warning', subject: 'NET1', finding: 'there is no device mlx5_9' },
  ]);
});

t.test('half of it', async (t) => {
  t.match(checks([eth('NET1', 'eth0'), dev('NET2', 'mlx5_0')]), [
    {
      status: 'warning',
      subject: 'NET1',
      finding: /no device does/,
      fix: 'smc_pnet -a NET1 -D DEVICE -P PORT',
    },
    { status: 'warning', subject: 'NET2', finding: /no interface/, fix: 'smc_pnet -a NET2 -I INTERFACE' },
  ]);
  t.match(checks([eth('NET1', 'eth0')], { isInitialNamespace: false }), [
    { fix: /^in the initial namespace: / },
  ]);
  t.match(
    checks([eth('NET1', 'eth0')], { smcrPorts: NOT_SEEN }),
    [{ status: 'pass' }],
    'not known, not said',
  );
});

t.test('not to be seen', async (t) => {
  t.match(checks([], { pnetTable: NOT_SEEN, interfaces: [ETH0] }), [
    { status: 'unknown', reason: 'permission denied' },
  ]);
});

t.test('SMC-D devices by the names that they have since Linux 6.18', async (t) => {
  const root = plant(t, mainframe, dibs);
  const host = {
    root,
    release: '6.18.2',
    isMainframe: true,
    pciFunctions: readPciFunctions(root),
    dibsDevices: readDibsDevices(root),
    smcdDevices: {
      value: [smcdDevice({ pciId: '0000:00:00.0' }), smcdDevice({ pciId: '0000:00:00.1' })],
    },
  };
  for (const name of ['ism10', 'ism1a', '0000:00:00.1', 'lo'])
    t.match(checks([eth('NETA', 'eth0'), dev('NETA', name)], host), [{ status: 'pass' }], name);
  t.match(
    checks([eth('NETA', 'eth0'), dev('NETA', 'ism1a')], { ...host, dibsDevices: undefined }),
    [{ status: 'pass' }],
    'by the function, while module dibs is not loaded',
  );
  t.match(checks([eth('NETA', 'eth0'), dev('NETA', 'ism99')], host), [
    {
      status: 'warning',
      finding: 'there is no device ism99',
      reason: /appears when its function is switched on/,
    },
  ]);
  const older = { ...host, release: '6.17.3', dibsDevices: undefined };
  t.match(checks([eth('NETA', 'eth0'), dev('NETA', '0000:00:00.1')], older), [{ status: 'pass' }]);
  for (const name of ['ism1a', 'lo'])
    t.match(checks([eth('NETA', 'eth0'), dev('NETA', name)], older), [
      { status: 'warning', finding: `there is no device ${name}`, reason: /such names since Linux 6\.18/ },
    ]);
});

t.test('an RDMA device of another network namespace', async (t) => {
  const root = t.testdir({ sys: { module: { ib_core: { parameters: { netns_mode: 'N\n' } } } } });
  t.match(checks([eth('NET1', 'eth0'), dev('NET1', 'mlx5_9')], { root }), [
    { finding: 'there is no device mlx5_9', reason: /may be in another network namespace/ },
  ]);
});
