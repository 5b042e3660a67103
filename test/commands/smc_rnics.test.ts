// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { smcRnics } from '../../src/commands/smc_rnics.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { FakeKernel, ipv4Row } from '../helpers/fake-kernel.ts';
import { type Files, mainframe, plant, server, slot } from '../helpers/host-trees.ts';
import { type Outcome, runCommand } from '../helpers/run-command.ts';

/** Outputs that were compared with the layouts of the C suite by hand; a file that is missing is written. */
const golden = fileURLToPath(new URL('../fixtures/smc_rnics', import.meta.url));

const ethernet = (name: string, ethName: string): object => ({ name, ethName, ibName: 'n/a', ibPort: 255 });
const device = (name: string, ibName: string, ibPort = 1): object => ({
  name,
  ethName: 'n/a',
  ibName,
  ibPort,
});
const port = (ibName: string, pnetId = '', pnetUser = 1): object => ({
  ibName,
  port: { valid: 1, state: 1, pnetId, pnetUser: pnetId ? pnetUser : 0 },
});
const two = (ibName: string, one: string, other: string): object => ({
  ...port(ibName, one, 0),
  port2: { valid: 1, state: 1, pnetId: other, pnetUser: 0 },
});

interface Facts {
  pnet?: object[];
  ports?: object[];
  isms?: object[];
  isIsmV2?: number;
}

function kernelWith({ pnet = [], ports = [], isms = [], isIsmV2 = 0 }: Facts): FakeKernel {
  const kernel = new FakeKernel().serve(smcPnetid, { GET: () => pnet }).serve(smcGenNetlink, {
    GET_SYS_INFO: () => [{ sysInfo: { version: 2, release: 1, isIsmV2, isSmcrV2: 1 } }],
    GET_DEV_SMCR: () => ports.map((devSmcr) => ({ devSmcr })),
    GET_DEV_SMCD: () => isms.map((devSmcd) => ({ devSmcd })),
    DUMP_UEID: () => [{ entry: 'EID' }],
    DUMP_SEID: () => [],
  });
  kernel.addresses = () => [ipv4Row(2, '10.0.2.15/24'), ipv4Row(3, '192.168.5.1/24')];
  return kernel;
}

const onServer: Facts = {
  pnet: [ethernet('NETA', 'eth0'), device('NETA', 'rxe0'), device('NETB', 'mlx5_1')],
  ports: [port('mlx5_0'), port('mlx5_1', 'NETB'), port('mlx5_2'), port('rxe0', 'NETA')],
};
const onMainframe: Facts = {
  // by interface, by the name of an RDMA device, by PCI address
  pnet: [ethernet('SOFTE', 'eno3'), ethernet('LATER', 'eno3'), device('SOFTP', '0000:00:00.1')],
  ports: [
    two('mlx4_0', 'NET1', 'NET2'),
    port('mlx5_0', 'NETC', 0),
    port('mlx5_1'),
    port('mlx5_2', 'NETD', 0),
  ],
  isms: [
    { pciId: '0000:00:00.0', port: { pnetId: 'NET1', pnetUser: 0 } },
    { pciId: '0000:00:00.1', port: { pnetId: 'SOFTP', pnetUser: 1 } },
  ],
  isIsmV2: 1,
};
const PCI_IDS: Files = {
  'usr/share/misc/pci.ids': [
    '# comment',
    '1014  IBM',
    '\t04ed  Internal Shared Memory (ISM) virtual PCI device',
    '1425  Chelsio Communications Inc',
    '15b3  Mellanox Technologies',
    '\t1017  MT27800 Family [ConnectX-5]',
    '\t1019  MT28800 Family [ConnectX-5 Ex]',
    '\t\t15b3 0008  ConnectX-5 Ex EN network interface card',
    'C 02  Network controller',
    '',
  ].join('\n'),
};

const run = (t: Test, argv: string, files: Files, facts: Facts, ...more: Files[]): Promise<Outcome> =>
  runCommand(smcRnics, argv, { transport: kernelWith(facts), hostRoot: plant(t, files, ...more) });

function matchesGolden(t: Test, name: string, stdout: string): void {
  const file = join(golden, name);
  if (!existsSync(file)) {
    mkdirSync(golden, { recursive: true });
    writeFileSync(file, stdout);
    return t.fail(`${file} was not there and has been written; look at it`);
  }
  t.equal(stdout, readFileSync(file, 'utf8'), name);
}

t.test('layouts of s390x', async (t) => {
  for (const letters of ['', 'a', 'I', 'r', 'aI', 'ar', 'Ir', 'aIr'])
    await t.test(`-${letters}`, async (t) => {
      const { status, stdout, stderr } = await run(t, letters && `-${letters}`, mainframe, onMainframe);
      t.strictSame(
        [status, stderr],
        [0, 'smc_rnics: the function with FID 302 is on, but there is no such PCI device\n'],
      );
      matchesGolden(t, `s390x-${letters || 'plain'}.txt`, stdout);
    });
});

t.test('elsewhere', async (t) => {
  for (const letters of ['', 'a', 'I', 'r', 'aIr'])
    await t.test(`-${letters}`, async (t) => {
      const { status, stdout, stderr } = await run(t, letters && `-${letters}`, server, onServer, PCI_IDS);
      t.strictSame([status, stderr], [0, '']);
      matchesGolden(t, `x86-${letters || 'plain'}.txt`, stdout);
    });
});

t.test('JSON has everything, the same fields on all machines', async (t) => {
  for (const [name, files, facts] of [
    ['s390x', mainframe, onMainframe],
    ['x86', server, onServer],
  ] as const) {
    const { status, stdout } = await run(t, '-aj', files, facts, PCI_IDS);
    t.equal(status, 0);
    t.equal(stdout.split('\n').length, 2, 'one line');
    matchesGolden(t, `${name}-aj.json`, `${JSON.stringify(JSON.parse(stdout), undefined, 1)}\n`);
  }
});
