// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { smcRnics } from '../../src/commands/smc_rnics/command.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { FakeKernel, ipv4Row } from '../helpers/fake-kernel.ts';
import {
  dibs,
  dibsDevice,
  type Files,
  mainframe,
  networkInterface,
  pciFunction,
  plant,
  plantOnce,
  server,
  slot,
} from '../helpers/host-trees.ts';
import { type Outcome, runCommand } from '../helpers/run-command.ts';
import { validate } from '../helpers/schemas.ts';

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
    GET_DEV_SMCD: () => isms.map((devSmcd) => ({ devSmcd: { useCount: 0, ...devSmcd } })),
    DUMP_UEID: () => [{ entry: 'EID' }],
    DUMP_SEID: () => [{}],
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

const run = (argv: string, facts: Facts, ...parts: Files[]): Promise<Outcome> =>
  runCommand(smcRnics, argv, { transport: kernelWith(facts), hostRoot: plantOnce(...parts) });

function matchesGolden(t: Test, name: string, stdout: string): void {
  const file = join(golden, name);
  if (!existsSync(file)) {
    mkdirSync(golden, { recursive: true });
    writeFileSync(file, stdout);
    t.fail(`${file} was not there and has been written; look at it`);
  } else t.equal(stdout, readFileSync(file, 'utf8'), name);
}

t.test('layouts of s390x', async (t) => {
  for (const letters of ['', 'a', 'I', 'r', 'aI', 'ar', 'Ir', 'aIr'])
    await t.test(`-${letters}`, async (t) => {
      const { status, stdout, stderr } = await run(letters && `-${letters}`, onMainframe, mainframe);
      t.strictSame(
        [status, stderr],
        [0, 'smc_rnics: the function with FID 302 is on, but there is no such PCI device\n'],
      );
      matchesGolden(t, `s390x-${letters || 'plain'}.txt`, stdout);
    });
});

/** Adapters without RDMA: one with its interface, one without a driver, and one that a virtual machine has. */
const WITHOUT_RDMA: Files = {
  ...networkInterface('eno9', { index: 19, parent: ['pci', '0000:01:00.0'], driver: 'tg3' }),
  ...pciFunction('0000:01:00.0', { vendor: '14e4', device: '165f', driver: 'tg3', net: ['eno9'] }),
  ...pciFunction('0000:02:00.0', { vendor: '14e4', device: '16d7' }),
  ...networkInterface('ens3', { index: 20, parent: ['virtio', 'virtio1'], operstate: 'down' }),
  ...pciFunction('0000:03:00.0', { vendor: '1af4', device: '1000', driver: 'virtio-pci' }),
};

t.test('elsewhere', async (t) => {
  for (const letters of ['', 'a', 'I', 'r', 'aIr'])
    await t.test(`-${letters}`, async (t) => {
      const { status, stdout, stderr } = await run(
        letters && `-${letters}`,
        onServer,
        server,
        PCI_IDS,
        WITHOUT_RDMA,
      );
      t.strictSame([status, stderr], [0, '']);
      matchesGolden(t, `x86-${letters || 'plain'}.txt`, stdout);
    });
});

/** Names of the fields at every depth, without those of arrays that are empty. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(shape(item))))].sort();
  if (typeof value !== 'object' || value === null) return null;
  return Object.keys(value);
}

t.test('JSON has everything, the same fields on all machines', async (t) => {
  const shapes: unknown[] = [];
  for (const [name, files, facts] of [
    ['s390x', mainframe, onMainframe],
    ['x86', server, onServer],
  ] as const) {
    const { status, stdout } = await run('-aj', facts, files, PCI_IDS);
    t.equal(status, 0);
    t.equal(stdout.split('\n').length, 2, 'one line');
    const document = JSON.parse(stdout);
    t.strictSame(validate('smc_rnics -aj', document), [], 'as the schema says');
    matchesGolden(t, `${name}-aj.json`, `${JSON.stringify(document, undefined, 1)}\n`);
    shapes.push([Object.keys(document), shape(document.devices), shape(document.devices[0].ports)]);
  }
  t.strictSame(shapes[0], shapes[1]);
});

t.test('a FID', async (t) => {
  const list = (argv: string) => run(argv, onMainframe, mainframe);
  const rows = async (argv: string): Promise<string[]> =>
    (await list(argv)).stdout.trimEnd().split('\n').slice(2);
  const [row, ...others] = await rows('12a');
  t.match(row, /^ 12a {2}1 {6}0002:00:00\.0 /);
  t.equal(others.length, 0);
  for (const spelling of ['0x12A', '0000012a', '0X12a', '10 12a'])
    t.strictSame(await rows(spelling), [row], spelling);
  t.equal((await list('12a')).status, 0);
  t.match(await rows('301'), [/^ 301 {2}0 {6}n\/a /], 'one that is off is shown when it is named');
  t.match(await rows('300'), [/^ 300 {2}1 .* 1014:044b /], 'so is one of another type');
  t.equal((await rows('100')).length, 2);

  const header = (await list('')).stdout.split('\n').slice(0, 2).join('\n');
  t.strictSame(await list('999'), {
    status: 8,
    stdout: `${header}\n`,
    stderr: 'smc_rnics: there is no PCI function with FID 999\n',
  });
  t.match(await list('302'), {
    status: 8,
    stderr: /^smc_rnics: the function with FID 302 is on, but there is no such PCI device\n/,
  });
  for (const word of ['eno1', '12g', '0x', '-- -1'])
    t.match(
      await list(word),
      { status: 3, stdout: '', stderr: /^smc_rnics: '.*' is not a FID; a FID is / },
      word,
    );
  const { devices } = JSON.parse((await list('-j 12b')).stdout);
  t.strictSame(
    devices.map(({ pci_fid }: { pci_fid: string }) => pci_fid),
    ['012b'],
  );
});

t.test('names of a recorded system are those that it had', async (t) => {
  const types = async (...parts: Files[]): Promise<unknown> => {
    const world = { transport: kernelWith(onServer), hostRoot: plantOnce(...parts), isRecorded: true };
    const { stdout } = await runCommand(smcRnics, '-j', world);
    return JSON.parse(stdout).devices[0].device_name;
  };
  t.equal(await types(server, PCI_IDS), 'MT28800 Family [ConnectX-5 Ex]');
  t.equal(await types(server), null, 'a file of this machine does not count');
});

t.test('FIDs sort as numbers, whatever the locale', async (t) => {
  const four = ['0000000a', '00000100', '000fffff', 'fffffff0'];
  const { stdout } = await run(
    '-a',
    {},
    { 'proc/sys/kernel/arch': 's390x\n' },
    ...[...four].reverse().map((fid) => slot(fid, 0)),
  );
  t.strictSame(
    stdout
      .split('\n')
      .slice(2, -1)
      .map((line) => line.trim().split(/ +/)[0]),
    ['a', '100', 'fffff', 'fffffff0'],
  );
  t.match(stdout, /^fffffff0 {2}0 {6}n\/a {11}n\/a {4}n\/a {14}n\/a {3}n\/a {2}n\/a {3}n\/a {16}n\/a$/m);
});

t.test('functions that do not tell all about themselves', async (t) => {
  const files: Files = {
    'proc/sys/kernel/arch': 's390x\n',
    ...slot('00000001', 1),
    ...pciFunction('0000:00:00.0', {
      vendor: '15b3',
      device: '101e',
      more: { function_id: '0x00000001', pft: '0x0f', vfn: '' },
    }),
    ...slot('00000002', 1),
    // firmware of neither generation, and no RDMA device at all: the device id decides
    ...pciFunction('0001:00:00.0', {
      vendor: '15b3',
      device: '1016',
      more: { function_id: '0x00000002', pft: '0x0a' },
    }),
    ...slot('00000003', 1),
    ...pciFunction('0002:00:00.0', {
      vendor: '15b3',
      device: '1099',
      more: { function_id: '0x00000003', pft: '0x0a' },
    }),
  };
  const { status, stdout } = await run('', {}, files);
  t.equal(status, 0);
  t.strictSame(stdout.split('\n').slice(2), [
    '   1  1      0000:00:00.0  n/a    Network_Express  NETD  n/a  n/a   n/a                n/a',
    '   2  1      0001:00:00.0  n/a    RoCE_Express2    ROC2  y    n/a   n/a                n/a',
    '   3  1      0002:00:00.0  n/a    15b3:1099        ROC2  y    n/a   n/a                n/a',
    '',
  ]);
});

t.test(
  'a machine that does not give the type of functions (PFT): the ids of the devices decide',
  async (t) => {
    const ids = ['15b3:1016', '1014:04ed', '8086:0953'];
    const files = ids.flatMap((id, at) => {
      const [vendor = '', device = ''] = id.split(':');
      const fid = `0000000${at + 1}`;
      return [
        slot(fid, 1),
        pciFunction(`000${at}:00:00.0`, { vendor, device, more: { function_id: `0x${fid}` } }),
      ];
    });
    const { status, stdout } = await run(
      '',
      {},
      Object.assign({ 'proc/sys/kernel/arch': 's390x\n' }, ...files),
    );
    t.equal(status, 0);
    t.strictSame(stdout.split('\n').slice(2), [
      '   1  1      0000:00:00.0  n/a    RoCE_Express2    ROC2  y    n/a   n/a                n/a',
      '   2  1      0001:00:00.0  n/a    ISM              ISM   y    n/a   n/a                n/a',
      '',
    ]);
  },
);

t.test('PNET IDs of the table, by RDMA device and by PCI address', async (t) => {
  const pnet = [device('BYNAME', 'mlx5_1'), device('BYPCI', '0006:00:00.0'), device('NEVER', 'mlx5_0')];
  const ports = [port('mlx5_1', 'BYNAME')];
  const { stdout } = await run('-I', { pnet, ports }, mainframe);
  t.match(stdout, /^ 12b .* BYNAME\* +mlx5_1$/m);
  t.match(stdout, /^ 202 .* BYPCI\* +n\/a$/m);
  t.match(stdout, /^ 12a .* NETC +mlx5_0$/m, 'hardware comes first');
});

t.test('switching functions', async (t) => {
  const hostRoot = plant(t, mainframe);
  const kernel = new FakeKernel();
  const call = (argv: string): Promise<Outcome> =>
    runCommand(smcRnics, argv, { transport: kernel, hostRoot });
  const power = (fid: string): string =>
    readFileSync(join(hostRoot, `sys/bus/pci/slots/${fid}/power`), 'latin1').trim();
  const done = { status: 0, stdout: '', stderr: '' };
  t.strictSame(await call('-e 301'), done);
  t.equal(power('00000301'), '1');
  t.strictSame(await call('--disable=0x0301'), done);
  t.equal(power('00000301'), '0');
  t.strictSame(await call('-d12A'), done);
  t.equal(power('0000012a'), '0');

  const refusals: [argv: string, status: number, stderr: string][] = [
    ['-d 301', 6, 'the PCI function with FID 301 is already off'],
    ['-e 10', 6, 'the PCI function with FID 10 is already on'],
    ['-e 999', 5, 'there is no PCI function with FID 999; smc_rnics -a lists all'],
    ['-e 1ffffffff', 5, 'there is no PCI function with FID 1ffffffff; smc_rnics -a lists all'],
    ['-e eth0', 3, "'eth0' is not a FID; a FID is a hexadecimal number, such as 12a or 0x12a"],
    [
      '-e 10 11',
      4,
      "unexpected argument '11': --enable and --disable already have their FID; smc_rnics --help shows the usage",
    ],
    ['-e 10 -d 11', 2, '--enable and --disable exclude each other; smc_rnics --help shows the usage'],
  ];
  for (const [argv, status, stderr] of refusals)
    t.strictSame(await call(argv), { status, stdout: '', stderr: `smc_rnics: ${stderr}\n` }, argv);

  mkdirSync(join(hostRoot, 'sys/bus/pci/slots/00000400/power'), { recursive: true });
  t.match((await call('-d 400')).status, 5, 'a switch that cannot be read is none');
  t.strictSame(await call('-ajd 10'), {
    ...done,
    stderr:
      'smc_rnics: --all is ignored: there is nothing to list\nsmc_rnics: --json is ignored: there is nothing to list\n',
  });
  t.strictSame(kernel.log, [], "the kernel's SMC has no part in that");

  t.strictSame(await runCommand(smcRnics, '-e 301', { hostRoot, isRecorded: true }), {
    status: 2,
    stdout: '',
    stderr:
      'smc_rnics: --enable needs the running system and cannot be used with --from; smc_rnics --help shows the usage\n',
  });
  t.equal(power('00000301'), '0', 'a recorded host stays as it is');

  const elsewhere = plant(t, server);
  t.strictSame(await runCommand(smcRnics, '-e 10', { hostRoot: elsewhere }), {
    status: 1,
    stdout: '',
    stderr: 'smc_rnics: PCI functions can be switched on and off on s390x only, and this is x86_64\n',
  });
});

t.test('a device by name, on other machines', async (t) => {
  const names = async (argv: string): Promise<unknown> => {
    const { stdout } = await run(`-j ${argv}`, onServer, server, WITHOUT_RDMA);
    return JSON.parse(stdout).devices.map(({ name }: { name: string }) => name);
  };
  t.strictSame(await names('rxe0'), ['rxe0']);
  t.strictSame(await names('eth0'), ['rxe0']);
  t.strictSame(await names('0000:5e:00.1'), ['mlx5_1']);
  t.strictSame(await names('bond0.100'), ['mlx5_0', 'mlx5_1'], 'those below a VLAN over a bond');
  t.strictSame(await names('eno9'), ['0000:01:00.0'], 'without RDMA, too, when it is named');
  t.strictSame(await run('nothing', onServer, server), {
    status: 8,
    stdout: '',
    stderr: 'smc_rnics: there is no adapter nothing\n',
  });
});

t.test('loopback-ism', async (t) => {
  const { stdout } = await run('', { isIsmV2: 1 }, { 'proc/sys/kernel/arch': 'x86_64\n' });
  t.equal(
    stdout,
    [
      'Device        Port  State  Rate  MTU  Net-Dev  Above  PNET-ID  SMC-R  SMC-D  Type',
      'loopback-ism  n/a   n/a    n/a   n/a  n/a      n/a    n/a      n/a    v2     software',
      '    SMC-D v1: loopback-ism supports version 2 only',
      '',
    ].join('\n'),
  );
});

t.test('on a terminal that is narrower than the list', async (t) => {
  const list = async (columns?: number): Promise<string[]> => {
    const { stdout } = await runCommand(smcRnics, '', {
      transport: kernelWith(onMainframe),
      hostRoot: plantOnce(mainframe),
      terminal: true,
      env: { NO_COLOR: '1' },
      ...(columns !== undefined && { columns }),
    });
    return stdout.split('\n');
  };
  const whole = await list();
  const folded = await list(60);
  t.equal(folded[2], '-'.repeat(60), 'the rule ends with the terminal');
  t.strictSame(
    folded.filter(({ length }) => length > 60),
    [],
  );
  const words = (lines: string[]): string[] =>
    lines
      .join(' ')
      .replace(/-{10,}/, '')
      .split(/\s+/);
  t.strictSame(words(folded), words(whole));
});

t.test('without SMC the list is what sysfs tells, and nothing loads the module', async (t) => {
  const kernel = new FakeKernel();
  const hostRoot = plant(t, server, { 'lib/modules/6.12.0-test/modules.dep': 'kernel/net/smc/smc.ko:\n' });
  const list = (argv: string) => runCommand(smcRnics, argv, { transport: kernel, hostRoot });
  const { status, stdout, stderr } = await list('rxe0');
  t.strictSame(
    [status, stderr],
    [0, 'smc_rnics: the kernel module smc is not loaded: what only the kernel knows is shown as ?\n'],
  );
  t.match(stdout, /^rxe0 +1 +ACTIVE +2\.5G +1024 +eth0 +n\/a +\? +\? +n\/a +soft-RoCE$/m);
  t.match(
    stdout,
    /^ {4}SMC-R v2: the port is active and has a RoCE v2 address for IPv4, but SMC in the kernel cannot be queried$/m,
  );
  const { devices, problems } = JSON.parse((await list('-j rxe0')).stdout);
  t.strictSame(problems, [{ part: 'SMC', error: 'the kernel module smc is not loaded' }]);
  t.match(devices[0].ports[0], { pnet_id: null, pnet_id_source: 'unknown', smc_r: { v2: { usable: null } } });
  t.strictSame([...new Set(kernel.log)], ['nlctrl GETFAMILY', 'ROUTE GETADDR']);

  // modprobe cannot help there
  const without = plant(t, server, { 'lib/modules/6.12.0-test/modules.dep': 'kernel/net/tls/tls.ko:\n' });
  t.match(await runCommand(smcRnics, 'rxe0', { transport: kernel, hostRoot: without }), {
    status: 0,
    stderr: 'smc_rnics: this kernel has no SMC: what only the kernel knows is shown as ?\n',
  });
});

t.test('a host without any adapter', async (t) => {
  const files: Files = { 'proc/sys/kernel/arch': 'x86_64\n' };
  t.strictSame(await run('', {}, files), { status: 0, stdout: '', stderr: '' });
  const transport = kernelWith({});
  const seen = await runCommand(smcRnics, '', { transport, hostRoot: plantOnce(files), terminal: true });
  t.equal(
    seen.stderr,
    'smc_rnics: this host has neither an RDMA device nor an ISM device; smc_rnics -a lists its other network adapters\n',
  );
});

t.test('names from the host cannot steer a terminal', async (t) => {
  const files = {
    'proc/sys/kernel/arch': 'x86_64\n',
    ...networkInterface('e\x1b[31m', { index: 2, parent: ['pci', 'x'] }),
  };
  const { stdout } = await run('-a', {}, files);
  t.notMatch(stdout, '\x1b');
  t.match(stdout, 'e\\x1b[31m');
});

t.test('SMC-D devices since Linux 6.18: names, GIDs, and loopback beside ISM', async (t) => {
  const named = { ...onMainframe, pnet: [device('SOFTP', 'ism1a')], isms: onMainframe.isms!.slice(0, 1) };
  const { stdout } = await run('-j', named, mainframe, dibs);
  const { devices } = JSON.parse(stdout);
  const one = (name: string) => devices.find((found: { name: string }) => found.name === name);
  t.match(one('0000:00:00.0'), {
    dibs_name: 'ism10',
    gid: '0123456789abcdef',
    ext_gid: null,
    fabric_id: '07c0',
  });
  t.match(one('loopback-ism'), {
    kind: 'ism',
    dibs_name: 'lo',
    gid: '6ba7b8109dad41d1',
    ext_gid: '80b400c04fd430c8',
    fabric_id: 'ffff',
    smc_d: { v2: { usable: true } },
  });
  t.match(one('0000:00:00.1').ports[0], { pnet_id: 'SOFTP', pnet_id_source: 'table' }, 'by its own name');
  t.equal(one('mlx5_0').dibs_name, null);

  const before = JSON.parse((await run('-j', onMainframe, mainframe)).stdout);
  t.notOk(
    before.devices.some((found: { name: string }) => found.name === 'loopback-ism'),
    'not to be told',
  );

  const list = (argv: string, terminal: boolean) =>
    runCommand(smcRnics, argv, {
      transport: kernelWith(onMainframe),
      hostRoot: plantOnce(mainframe, dibs),
      terminal,
    });
  t.match((await list('', true)).stderr, /SMC-D also has a software device, loopback-ism/);
  t.notMatch((await list('', false)).stderr, 'loopback');
  t.notMatch((await list('', true)).stdout, 'loopback', 'the list has the functions of the C suite');
});

t.test('elsewhere, loopback with its GID', async (t) => {
  const lo = dibsDevice('lo', { gid: '6ba7b810-9dad-41d1-80b4-00c04fd430c8', fabricId: 'ffff' });
  const { stdout } = await run('-I loopback-ism', onServer, server, lo);
  t.match(stdout, /^loopback-ism .*\n {4}lo: GID 6ba7b8109dad41d1:80b400c04fd430c8, fabric ffff\n/m);
  const none = await run('loopback-ism', { ...onServer, isIsmV2: 1 }, server, { 'sys/class/dibs/.keep': '' });
  t.equal(none.status, 8, 'the class is there and does not have it: certain, not guessed');
});
