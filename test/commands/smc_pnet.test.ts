// SPDX-License-Identifier: MIT
import t, { type Test } from 'tap';
import { smcPnet } from '../../src/commands/smc_pnet/command.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { version } from '../../src/version.ts';
import { Errno, FakeKernel } from '../helpers/fake-kernel.ts';
import { dibs, type Files, mainframe, plant } from '../helpers/host-trees.ts';
import { type Outcome, type RunOptions, runCommand } from '../helpers/run-command.ts';

interface Entry {
  name: string;
  ethName: string;
  ibName: string;
  ibPort: number;
}

const ethernet = (name: string, ethName: string): Entry => ({ name, ethName, ibName: 'n/a', ibPort: 255 });
const device = (name: string, ibName: string, ibPort = 1): Entry => ({
  name,
  ethName: 'n/a',
  ibName,
  ibPort,
});

const TABLE = [ethernet('ABC', 'eth0'), device('ABC', 'mlx5_0'), device('Y', '0000:01:00.0', 2)];

/** A kernel that remembers what it was told to change. */
class PnetKernel extends FakeKernel {
  /** what ADD, DEL and FLUSH got, in order */
  readonly changes: [command: string, attributes: object][] = [];

  constructor(table: readonly Entry[] = [], failure?: string) {
    super();
    const change = (command: string) => (attributes: object) => {
      const { ibPort } = attributes as Partial<Entry>;
      // the probe for devices in this namespace, which changes nothing
      if (command === 'ADD' && ibPort === 3) throw new Errno('EINVAL');
      this.changes.push([command, { ...attributes }]);
      if (failure) throw new Errno(failure);
      return undefined;
    };
    this.serve(smcPnetid, {
      GET: () => [...table],
      ADD: change('ADD'),
      DEL: change('DEL'),
      FLUSH: change('FLUSH'),
    });
  }
}

/** Runs it on a host with two interfaces and one RDMA device. */
function pnet(
  t: Test,
  argv: readonly string[] | string,
  transport: FakeKernel = new PnetKernel(TABLE),
  options: RunOptions = {},
): Promise<Outcome> {
  const hostRoot = t.testdir({
    sys: {
      class: {
        net: { eth0: { ifindex: '2\n' }, eth1: { ifindex: '3\n' } },
        infiniband: { mlx5_0: {} },
      },
    },
  });
  return runCommand(smcPnet, argv, { transport, hostRoot, ...options });
}

const usage = (message: string): Outcome => ({
  status: 1,
  stdout: '',
  stderr: `smc_pnet: ${message}; smc_pnet --help shows the usage\n`,
});

const ROWS = 'ABC eth0 n/a 255\nABC n/a mlx5_0 1\nY n/a 0000:01:00.0 2\n';

t.test('shows the table as the C suite does', async (t) => {
  for (const argv of ['', '-s', '--show', '--s', '--sh', '-s --', '--'])
    t.strictSame(await pnet(t, argv), { status: 0, stdout: ROWS, stderr: '' }, argv);
});

t.test('shows one PNET ID, wherever it stands and in either case', async (t) => {
  const expected = { status: 0, stdout: 'ABC eth0 n/a 255\nABC n/a mlx5_0 1\n', stderr: '' };
  for (const argv of ['-s ABC', 'ABC -s', '--show ABC', '-s abc', '-s -- ABC', '-- ABC'].slice(0, 5))
    t.strictSame(await pnet(t, argv), expected, argv);
  t.strictSame(await pnet(t, ['-s', ' Abc\t']), expected);
  t.strictSame(await pnet(t, '-s AB'), { status: 0, stdout: '', stderr: '' }, 'no prefix match');
});

t.test('an unknown PNET ID is worth a word on a terminal only', async (t) => {
  t.strictSame(await pnet(t, '-s nosuch'), { status: 0, stdout: '', stderr: '' });
  t.strictSame(await pnet(t, '-s nosuch', undefined, { terminal: true }), {
    status: 0,
    stdout: '',
    stderr: 'smc_pnet: PNET ID NOSUCH is not in the table\n',
  });
  t.equal((await pnet(t, '-s y', undefined, { terminal: true })).stderr, '');
  t.equal((await pnet(t, '', new PnetKernel(), { terminal: true })).stderr, '', 'an empty table is no news');
});

t.test('an empty table', async (t) => {
  for (const argv of ['', '-s', '-s ABC'])
    t.strictSame(await pnet(t, argv, new PnetKernel()), { status: 0, stdout: '', stderr: '' });
  t.strictSame(await pnet(t, '-j', new PnetKernel()), {
    status: 0,
    stdout: '{"pnet_table":[]}\n',
    stderr: '',
  });
});

t.test('JSON', async (t) => {
  const { status, stdout, stderr } = await pnet(t, '-j');
  t.strictSame([status, stderr], [0, '']);
  const document = JSON.parse(stdout);
  t.strictSame(document, {
    pnet_table: [
      { pnet_id: 'ABC', kind: 'ethernet', interface: 'eth0', ib_device: null, ib_port: null },
      { pnet_id: 'ABC', kind: 'device', interface: null, ib_device: 'mlx5_0', ib_port: 1 },
      { pnet_id: 'Y', kind: 'device', interface: null, ib_device: '0000:01:00.0', ib_port: 2 },
    ],
  });
  t.equal(stdout, `${JSON.stringify(document)}\n`);
  const terminal = await pnet(t, '--json', undefined, { terminal: true });
  t.equal(terminal.stdout, `${JSON.stringify(document, undefined, 2)}\n`);
  t.strictSame(JSON.parse((await pnet(t, '-js y')).stdout).pnet_table.length, 1);
});

t.test('names cannot steer the terminal', async (t) => {
  const kernel = new PnetKernel([ethernet('A', 'e\x1b[2J'), device('A', 'd\x07')]);
  t.equal((await pnet(t, '', kernel)).stdout, 'A e\\x1b[2J n/a 255\nA n/a d\\x07 1\n');
  t.match((await pnet(t, '-j', kernel)).stdout, '"e\\u001b[2J"');
});

t.test('adds', async (t) => {
  for (const [argv, attributes] of [
    ['-a NET1 -I eth1', { name: 'NET1', ethName: 'eth1' }],
    ['NET1 -aI eth1', { name: 'NET1', ethName: 'eth1' }],
    ['-aIeth1 NET1', { name: 'NET1', ethName: 'eth1' }],
    ['-I eth1 NET1 -a', { name: 'NET1', ethName: 'eth1' }],
    ['--add --interface eth1 NET1', { name: 'NET1', ethName: 'eth1' }],
    ['--a --interface=eth1 NET1', { name: 'NET1', ethName: 'eth1' }],
    ['--a --in=eth1 NET1', { name: 'NET1', ethName: 'eth1' }],
    ['--a --in eth1 -- NET1', { name: 'NET1', ethName: 'eth1' }],
    ['-a NET1 -I eth9 -I eth1', { name: 'NET1', ethName: 'eth1' }],
    ['-a NET1 -D mlx5_0', { name: 'NET1', ibName: 'mlx5_0', ibPort: 1 }],
    ['-a NET1 -Dmlx5_0 -P2', { name: 'NET1', ibName: 'mlx5_0', ibPort: 2 }],
    ['-a NET1 --ibd mlx5_0 --ibp 2', { name: 'NET1', ibName: 'mlx5_0', ibPort: 2 }],
    ['-a NET1 --ibdevice=mlx5_0 --ibport=2', { name: 'NET1', ibName: 'mlx5_0', ibPort: 2 }],
    ['-aP 2 -D mlx5_0 -I eth1 NET1', { name: 'NET1', ethName: 'eth1', ibName: 'mlx5_0', ibPort: 2 }],
  ] as [string, object][]) {
    const kernel = new PnetKernel();
    t.strictSame(await pnet(t, argv, kernel), { status: 0, stdout: '', stderr: '' }, argv);
    t.strictSame(kernel.changes, [['ADD', attributes]], argv);
  }
});

t.test('ports', async (t) => {
  for (const [text, ibPort] of [
    ['1', 1],
    ['2', 2],
    ['0x2', 2],
    ['0X1', 1],
    ['02', 2],
    ['0002', 2],
    [' 1', 1],
    ['\t+2', 2],
    ['+1', 1],
    ['', 1],
    ['0', 1],
    ['00', 1],
    ['0x0', 1],
  ] as const) {
    const kernel = new PnetKernel();
    const argv = ['-a', 'NET1', '-D', 'mlx5_0', '-P', text];
    t.strictSame(await pnet(t, argv, kernel), { status: 0, stdout: '', stderr: '' }, `'${text}'`);
    t.match(kernel.changes, [['ADD', { ibPort }]], `'${text}'`);
  }
  for (const text of [
    '3',
    '-1',
    '1x',
    'x',
    '0x',
    '08',
    '1 ',
    ' ',
    '1.0',
    '0x3',
    '03',
    '99999999999999999999',
    '٢',
  ])
    for (const argv of [
      ['-a', 'NET1', '-D', 'mlx5_0', '-P', text],
      ['-P', text],
    ]) {
      const kernel = new PnetKernel();
      t.strictSame(await pnet(t, argv, kernel), usage(`--ibport '${text}': must be 1 or 2`), text);
      t.strictSame(kernel.log, []);
    }
});

t.test('what an addition has to say', async (t) => {
  const added = async (argv: string, table: Entry[] = []): Promise<string> => {
    const { status, stdout, stderr } = await pnet(t, argv, new PnetKernel(table));
    t.strictSame([status, stdout], [0, ''], argv);
    return stderr;
  };
  t.equal(await added('-a net1 -I eth1'), 'smc_pnet: the PNET ID is stored as NET1\n');
  t.equal(
    await added('-a NET1 -I eth7'),
    'smc_pnet: there is no interface eth7 yet; the entry takes effect when it appears; this host has eth0, eth1\n',
  );
  t.equal(
    await added('-a NET1 -D mlx9'),
    'smc_pnet: there is no device mlx9 yet; the entry takes effect when it appears; this host has mlx5_0\n',
  );
  t.equal(await added('-a NET1 -D loopback-ism'), '');
  t.equal(await added('-a NET1 -I eth1 -P 2'), 'smc_pnet: --ibport is ignored without --ibdevice\n');
  t.equal(await added('-j -a NET1 -I eth1'), 'smc_pnet: --json is ignored: there is no table to show\n');
  t.equal(
    await added('-a NET1 -I eth1 -D mlx5_0', [ethernet('NET1', 'eth1')]),
    'smc_pnet: interface eth1 already had PNET ID NET1\n',
  );
  const bare = await runCommand(smcPnet, '-a NET1 -I e -D d', {
    transport: new PnetKernel(),
    hostRoot: t.testdir({}),
  });
  t.equal(bare.stderr.match(/this host has none/g)?.length, 2);
});

t.test('additions that cannot be', async (t) => {
  for (const [argv, stderr] of [
    [
      ['-a', 'A_B', '-I', 'eth1'],
      'PNET ID "A_B" must not contain the character "_"; a PNET ID has 1 to 16 letters and digits',
    ],
    [['-a', '', '-I', 'eth1'], 'the PNET ID is empty; a PNET ID has 1 to 16 letters and digits'],
    [['-a', ' ', '-I', 'eth1'], 'the PNET ID is empty; a PNET ID has 1 to 16 letters and digits'],
    [
      ['-a', 'A'.repeat(17), '-I', 'eth1'],
      `PNET ID "${'A'.repeat(17)}" is too long; a PNET ID has 1 to 16 letters and digits`,
    ],
    [
      ['-a', 'Ä', '-I', 'eth1'],
      'PNET ID "Ä" must not contain the character "Ä"; a PNET ID has 1 to 16 letters and digits',
    ],
    [
      ['-a', 'A\nB', '-I', 'eth1'],
      'PNET ID "A\\nB" must not contain the character "\\n"; a PNET ID has 1 to 16 letters and digits',
    ],
    [['-a', 'A', '-I', ''], "--interface '': must not be empty; smc_pnet --help shows the usage"],
    [['-a', 'A', '-I', 'a/b'], 'interface name "a/b" must not contain blanks, slashes or control characters'],
    [
      ['-a', 'A', '-I', 'x'.repeat(16)],
      `interface name "${'x'.repeat(16)}" is too long; interface names have at most 15 bytes`,
    ],
    [['-a', 'A', '-D', ''], "--ibdevice '': must not be empty; smc_pnet --help shows the usage"],
  ] as const) {
    const kernel = new PnetKernel();
    t.strictSame(await pnet(t, argv, kernel), { status: 1, stdout: '', stderr: `smc_pnet: ${stderr}\n` });
    t.strictSame(kernel.changes, []);
  }
});

t.test('errors of the kernel', async (t) => {
  const fails = async (argv: string, code: string, table: Entry[] = []): Promise<string> => {
    const { status, stdout, stderr } = await pnet(t, argv, new PnetKernel(table, code));
    t.strictSame([status, stdout], [1, ''], argv);
    return stderr;
  };
  for (const argv of ['-a N -I eth1', '-d N', '-f'])
    t.equal(
      await fails(argv, 'EPERM'),
      'smc_pnet: permission denied; CAP_NET_ADMIN is needed: run it as root, outside of containers\n',
    );
  t.equal(
    await fails('-a N -I eth0', 'EEXIST', TABLE),
    'smc_pnet: interface eth0 is already in the table, with PNET ID ABC; delete that entry first (smc_pnet -d ABC deletes all entries of ABC)\n',
  );
  t.equal(
    await fails('-a N -I eth1', 'EEXIST'),
    'smc_pnet: interface eth1 has a PNET ID in hardware; a hardware PNET ID cannot be replaced\n',
  );
  t.equal(await fails('-d n', 'ENOENT'), 'smc_pnet: PNET ID "N" is not in the table\n');
  t.equal(
    await fails('-a N -I eth1', 'ENOMEM'),
    'smc_pnet: the kernel does not have enough memory for this; try again when more memory is free\n',
  );
});

t.test('a kernel without SMC', async (t) => {
  const stderr = 'smc_pnet: the kernel module smc is not loaded; load it on the host: modprobe smc\n';
  for (const argv of ['', '-j', '-s X', '-a X -I eth1', '-d X', '-f'])
    t.strictSame(await pnet(t, argv, new FakeKernel()), { status: 1, stdout: '', stderr }, argv);
});

t.test('a listing that fails', async (t) => {
  const kernel = new FakeKernel().serve(smcPnetid, {
    GET: () => {
      throw new Errno('ENOMEM', TABLE);
    },
  });
  for (const argv of ['', '-j'])
    t.match(await pnet(t, argv, kernel), { status: 1, stdout: /^$/, stderr: /^smc_pnet: [^\n]+\n$/ });
});

t.test('deletes', async (t) => {
  for (const argv of ['-d ABC', 'ABC -d', '--delete ABC', '--d abc', '-d -- ABC']) {
    const kernel = new PnetKernel(TABLE);
    t.strictSame(await pnet(t, argv, kernel), { status: 0, stdout: '', stderr: '' }, argv);
    t.strictSame(kernel.changes, [['DEL', { name: 'ABC' }]]);
  }
});

t.test('flushes', async (t) => {
  for (const argv of ['-f', '--flush', '--f']) {
    const kernel = new PnetKernel(TABLE);
    t.strictSame(await pnet(t, argv, kernel), { status: 0, stdout: '', stderr: '' }, argv);
    t.strictSame(kernel.changes, [['FLUSH', {}]]);
  }
  t.equal((await pnet(t, '-f', new PnetKernel([], 'ENOENT'))).status, 0, 'an empty table on old kernels');
});

t.test('options that have no effect are told, in their order', async (t) => {
  const I = 'smc_pnet: --interface is ignored without --add\n';
  const D = 'smc_pnet: --ibdevice is ignored without --add\n';
  const P = 'smc_pnet: --ibport is ignored without --add\n';
  for (const [argv, stderr] of [
    ['-I x', I],
    ['-P 1 -D d -I x', I + D + P],
    ['-s -D d', D],
    ['-s ABC -P 2', P],
    ['-d ABC -I x', I],
    ['-f -D d -P 2', D + P],
    ['-d ABC -j', 'smc_pnet: --json is ignored: there is no table to show\n'],
    ['-fj', 'smc_pnet: --json is ignored: there is no table to show\n'],
    ['-I x -j', I],
  ] as const)
    t.match(await pnet(t, argv), { status: 0, stderr }, argv);
});

t.test('command lines that cannot be carried out', async (t) => {
  for (const [argv, message] of [
    ['-as', '--add and --show exclude each other'],
    ['-s -d', '--show and --delete exclude each other'],
    ['-f --add', '--flush and --add exclude each other'],
    ['-df X', '--delete and --flush exclude each other'],
    ['-a -a', '--add is given twice'],
    ['-ss', '--show is given twice'],
    ['-f --flush', '--flush is given twice'],
    ['A B', "unexpected argument 'B'"],
    ['-s A B C', "unexpected argument 'B'"],
    ['A', "PNET ID 'A' needs an action: --add, --show or --delete"],
    ['-I eth0 A', "PNET ID 'A' needs an action: --add, --show or --delete"],
    ['-f A', '--flush deletes all entries and does not take a PNET ID; --delete A deletes those of A'],
    ['-a A', '--add needs --interface, --ibdevice or both'],
    ['-a', '--add needs --interface, --ibdevice or both'],
    ['-a A -P 1', '--add needs --interface, --ibdevice or both'],
    ['-a -I eth0', '--add needs a PNET ID'],
    ['-d', '--delete needs a PNET ID'],
    ['-aABC', "unknown option '-A'"],
    ['--add=ABC', "option '--add' takes no value"],
    ['--json=1', "option '--json' takes no value"],
    ['-x', "unknown option '-x'"],
    ['-jx', "unknown option '-x'"],
    ['--nonsense', "unknown option '--nonsense'"],
    ['--i eth0', "option '--i' is ambiguous: --interface, --ibdevice, --ibport"],
    ['--ib=x', "option '--ib' is ambiguous: --ibdevice, --ibport"],
    ['-I', "option '-I, --interface' needs a NAME"],
    ['-a X --in', "option '-I, --interface' needs a NAME"],
    ['-aD', "option '-D, --ibdevice' needs a NAME"],
    ['X -P', "option '-P, --ibport' needs a PORT"],
  ] as const) {
    const kernel = new PnetKernel(TABLE);
    t.strictSame(await pnet(t, argv, kernel), usage(message), argv);
    t.strictSame(kernel.log, [], 'the kernel was not asked');
  }
});

t.test('an option’s value may look like an option', async (t) => {
  const kernel = new PnetKernel();
  t.match(await pnet(t, '-a X -I -s', kernel), { status: 0 });
  t.strictSame(kernel.changes, [['ADD', { name: 'X', ethName: '-s' }]]);
});

t.test('help and version act where they stand', async (t) => {
  const kernel = new PnetKernel();
  for (const argv of ['-h', '--help', '--h', '-ah', '-h -a -s', 'A B -h', '-hx', '-ahs', '-I -h -h']) {
    const outcome = await pnet(t, argv, kernel);
    t.match(outcome, { status: 0, stdout: /^Usage: smc_pnet \[options\] \[PNETID\]\n/, stderr: /^$/ }, argv);
  }
  for (const argv of ['-v', '--version', '--v', '-av', '-vh', 'A B -v'])
    t.strictSame(await pnet(t, argv, kernel), {
      status: 0,
      stdout: `smc_pnet utility, smc-tools-${version}\n`,
      stderr: '',
    });
  t.strictSame(await pnet(t, '-a -s -h', kernel), usage('--add and --show exclude each other'));
  t.strictSame(await pnet(t, '-x -h', kernel), usage("unknown option '-x'"));
  t.strictSame(await pnet(t, '-ash', kernel), usage('--add and --show exclude each other'));
  t.strictSame(kernel.log, []);
});

t.test('the second port of a device', async (t) => {
  const kernel = new FakeKernel()
    .serve(smcPnetid, {
      GET: () => [device('NET1', 'mlx5_0', 1)],
      ADD: ({ ibPort }) => {
        throw new Errno(ibPort === 3 ? 'EINVAL' : 'EEXIST');
      },
    })
    .serve(smcGenNetlink, {
      GET_DEV_SMCR: () => [
        {
          devSmcr: { ibName: 'mlx5_0', port: { valid: 1 }, port2: { pnetUser: 1, pnetId: 'NET1', valid: 1 } },
        },
      ],
    });
  t.strictSame(await pnet(t, '-a NET1 -D mlx5_0 -P 2', kernel), {
    status: 0,
    stdout: '',
    stderr:
      "smc_pnet: port 2 of mlx5_0 has the PNET ID, but the kernel's table lists only one port of a device; see smcr device\n",
  });
});

t.test('names of SMC-D devices, by kernel', async (t) => {
  const said = async (name: string, ...parts: Files[]): Promise<string> => {
    const hostRoot = plant(t, mainframe, ...parts);
    const { status, stderr } = await runCommand(smcPnet, `-a NET1 -D ${name}`, {
      transport: new PnetKernel([]),
      hostRoot,
    });
    t.equal(status, 0);
    return stderr;
  };
  for (const name of ['ism10', 'ism1a', '0000:00:00.1', 'lo']) t.equal(await said(name, dibs), '', name);
  t.match(
    await said('loopback-ism', dibs),
    /no device loopback-ism yet; .*; since Linux 6\.18 it is called lo\n$/,
  );
  t.match(await said('ism99', dibs), /no device ism99 yet; .* ism10, 0000:00:00\.0, ism1a, /);
  t.equal(await said('0000:00:00.1'), '');
  t.equal(await said('loopback-ism'), '');
  t.match(
    await said('ism1a'),
    /no device ism1a yet; .*; before Linux 6\.18 ISM devices are named by PCI address; this host/,
  );
  t.match(await said('lo'), /before Linux 6\.18 the loopback device is called loopback-ism/);
});
