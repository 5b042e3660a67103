// SPDX-License-Identifier: MIT
import t, { type Test } from 'tap';
import { smcss } from '../../src/commands/smcss/command.ts';
import { NLM_F_MULTI } from '../../src/netlink/uapi/netlink.ts';
import { SOCK_DIAG_BY_FAMILY, smcDiagAttributes, smcDiagMessage } from '../../src/netlink/uapi/smc-diag.ts';
import { Errno, FakeKernel } from '../helpers/fake-kernel.ts';
import { type Outcome, type RunOptions, runCommand } from '../helpers/run-command.ts';
import {
  CLOSED,
  INIT,
  LISTEN,
  listener,
  SMCD,
  SMCR,
  type SocketFields,
  socket,
  TCP,
} from '../helpers/smc-sockets.ts';

const cursor = (wrap: number, count: number): object => ({ reserved: 0, wrap, count });

const CONNECTION = {
  token: 0x1234abcd,
  sndbufSize: 0x10000,
  rmbeSize: 65504,
  peerRmbeSize: 0xffffffff,
  rxProd: cursor(0, 1),
  rxCons: cursor(1, 0x20),
  txProd: cursor(0xffff, 0xfffffff0),
  txCons: cursor(3, 4),
  rxProdFlags: 0x80,
  rxConnStateFlags: 0x40,
  txProdFlags: 0x08,
  txConnStateFlags: 0xa0,
  txPrep: cursor(5, 6),
  txSent: cursor(7, 8),
  txFin: cursor(9, 0xa),
};

const CONNECTION_TEXT =
  '1234abcd 00010000 0000ffe0 ffffffff 0000:00000001 0001:00000020 80:40   ' +
  'ffff:fffffff0 0003:00000004 08:a0   0005:00000006 0007:00000008 0009:0000000a ';

const LINK = {
  linkId: 0x0b,
  ibName: 'mlx5_0',
  ibPort: 1,
  gid: 'fe80:0000:0000:0000:0000:00ff:fe00:0001',
  peerGid: 'fe80:0000:0000:0000:0000:00ff:fe00:0002',
  role: 1,
};

const DMB = {
  linkId: 0x100,
  peerGid: 0xfedcba9876543210n,
  myGid: 0x1n,
  token: 0xabcn,
  peerToken: 0xffffffffffffffffn,
};

const DMB_TEXT = '0000000000000001 0000000000000abc fedcba9876543210 ffffffffffffffff 00000100 ';

interface World extends RunOptions {
  sockets?: object[];
  /** what /proc/net/protocols counts */
  ipv6?: number;
  kernel?: FakeKernel;
}

/** A host whose sockets are IPv4 unless they cannot be. */
function smcssOn(
  t: Test,
  argv: string,
  { sockets = [], ipv6 = 0, kernel, ...options }: World,
): Promise<Outcome> {
  const host = kernel ?? new FakeKernel();
  if (!kernel) host.sockets = () => sockets;
  const protocols = `protocol  size sockets\nSMC  1 ${sockets.length}\nSMC6 1 ${ipv6}\nINET_SMC 1 0\n`;
  const hostRoot = options.hostRoot ?? t.testdir({ proc: { net: { protocols } } });
  return runCommand(smcss, argv, { transport: host, ...options, hostRoot });
}

/** The rows of a listing without its header. */
async function rows(t: Test, argv: string, sockets: object[], options: World = {}): Promise<string[]> {
  const { status, stdout, stderr } = await smcssOn(t, `-H ${argv}`, { sockets, ...options });
  t.equal(stderr, '');
  t.equal(status, 0);
  if (stdout === '') return [];
  t.ok(stdout.endsWith('\n'));
  return stdout.slice(0, -1).split('\n');
}

/** The one row of the one socket. */
async function row(t: Test, argv: string, one: object, options: World = {}): Promise<string | undefined> {
  const lines = await rows(t, argv, [one], options);
  t.equal(lines.length, 1);
  return lines[0];
}

/** Titles and widths, from the reference of the C suite. */
const BASE: [string, number][] = [
  ['State', 15],
  ['UID', 6],
  ['Inode', 8],
  ['Local Address', 24],
  ['Peer Address', 24],
  ['Intf', 5],
  ['Mode', 5],
];
const DEBUG_PART: [string, number][] = [
  ['Shutd', 6],
  ['Token', 9],
  ['Sndbuf', 9],
  ['Rcvbuf', 9],
  ['Peerbuf', 9],
  ['rxprod-Cursor', 14],
  ['rxcons-Cursor', 14],
  ['rxFlags', 8],
  ['txprod-Cursor', 14],
  ['txcons-Cursor', 14],
  ['txFlags', 8],
  ['txprep-Cursor', 14],
  ['txsent-Cursor', 14],
  ['txfin-Cursor', 14],
];
const SMCR_PART: [string, number][] = [
  ['Role', 5],
  ['IB-device', 16],
  ['Port', 5],
  ['Linkid', 7],
  ['GID', 41],
  ['Peer-GID', 8],
];
const SMCD_PART: [string, number][] = [
  ['GID', 17],
  ['Token', 17],
  ['Peer-GID', 17],
  ['Peer-Token', 17],
  ['Linkid', 6],
];

t.test('header of every combination', async (t) => {
  const widths = (...parts: [string, number][][]): string =>
    parts
      .flat()
      .map(([title, width]) => title.padEnd(width))
      .join('');
  t.equal(
    widths(BASE),
    'State          UID   Inode   Local Address           Peer Address            Intf Mode ',
  );
  for (const [argv, expected] of [
    ['', widths(BASE)],
    ['-a', widths(BASE)],
    ['-l', widths(BASE)],
    ['-W', widths(BASE)],
    ['-d', widths(BASE, DEBUG_PART)],
    ['-R', widths(BASE, SMCR_PART)],
    ['-D', widths(BASE, SMCD_PART)],
    ['-dR', widths(BASE, DEBUG_PART, SMCR_PART)],
    ['-Dd', widths(BASE, DEBUG_PART, SMCD_PART)],
    ['-adRW', widths(BASE, DEBUG_PART, SMCR_PART)],
    ['-d -d --debug', widths(BASE, DEBUG_PART)],
  ] as const)
    t.strictSame(await smcssOn(t, argv, {}), { status: 0, stdout: `${expected}\n`, stderr: '' }, argv);
});

t.test('no header', async (t) => {
  for (const argv of ['-H', '--no-header', '-Had', '--n'])
    t.strictSame(await smcssOn(t, argv, {}), { status: 0, stdout: '', stderr: '' }, argv);
});

t.test('states', async (t) => {
  const rest = '00000 0000334 10.0.0.1:5201           10.0.0.2:40000          0000 SMCR ';
  for (const [state, name] of [
    [1, 'ACTIVE         '],
    [20, 'PEERCLOSEWAIT1 '],
    [21, 'PEERCLOSEWAIT2 '],
    [22, 'APPCLOSEWAIT1  '],
    [23, 'APPCLOSEWAIT2  '],
    [24, 'APPFINCLOSEWAIT1 '],
    [25, 'PEERFINCLOSEWAIT '],
    [26, 'PEERABORTWAIT  '],
    [27, 'PROCESSABORT   '],
    [0x1c, '0x1c?          '],
    [3, '0x3?           '],
    [255, '0xff?          '],
    [0, '0?             '],
  ] as const)
    t.equal(await row(t, '-a', socket({ state })), name + rest);
  t.equal(await row(t, '-a', socket({ state: INIT, inode: 1115n })), 'INIT           00000 0001115 ');
  t.equal(
    await row(t, '-a', listener({ inode: 1113n })),
    'LISTEN         00000 0001113 0.0.0.0:5201            ',
  );
  t.equal(
    await row(t, '', socket({ state: CLOSED, interface: 2 })),
    'CLOSED         00000 0000334 10.0.0.1:5201           10.0.0.2:40000          0002 ',
  );
});

t.test('rows that end early do so under all options', async (t) => {
  const attributes = {
    connection: CONNECTION,
    link: LINK,
    fallback: { reason: 0x03010000, peerDiagnosis: 0 },
  };
  for (const argv of ['-ad', '-adR', '-aR']) {
    t.equal(await row(t, argv, socket({ state: INIT, attributes })), 'INIT           00000 0000334 ', argv);
    t.equal(
      await row(t, argv, listener({ attributes })),
      'LISTEN         00000 0000334 0.0.0.0:5201            ',
      argv,
    );
    t.match(await row(t, argv, socket({ state: CLOSED, attributes })), / 0000 $/, argv);
  }
  const fallback = await row(t, '-ad', socket({ mode: TCP, attributes }));
  t.match(fallback, / 0000 TCP 0x03010000$/);
});

t.test('modes', async (t) => {
  const start = 'ACTIVE         00000 0000334 10.0.0.1:5201           10.0.0.2:40000          0000 ';
  t.equal(await row(t, '', socket({ mode: SMCR })), `${start}SMCR `);
  t.equal(await row(t, '', socket({ mode: SMCD })), `${start}SMCD `);
  t.equal(await row(t, '', socket({ mode: 3 })), `${start}SMCR `, 'as the C suite has it');
  t.equal(await row(t, '', socket({ mode: TCP })), `${start}TCP 0x00000000`);
  const fallback = (reason: number, peerDiagnosis: number): object =>
    socket({ mode: TCP, attributes: { fallback: { reason, peerDiagnosis } } });
  t.equal(await row(t, '', fallback(0x03010000, 0)), `${start}TCP 0x03010000`);
  t.equal(await row(t, '', fallback(0x05000000, 0x03030000)), `${start}TCP 0x05000000/0x03030000`);
  t.equal(await row(t, '', fallback(0xffffffff, 0xf)), `${start}TCP 0xffffffff/0x0000000f`);
  t.equal(
    await row(t, '', socket({ mode: TCP, attributes: { fallback: undefined } })),
    `${start}TCP `,
    'kernels before 4.19',
  );
});

t.test('numbers at their limits', async (t) => {
  const rest = '10.0.0.1:5201           10.0.0.2:40000          ';
  const start = 'ACTIVE         ';
  t.equal(await row(t, '', socket({ uid: 65534, inode: 0n })), `${start}65534 0000000 ${rest}0000 SMCR `);
  t.equal(await row(t, '', socket({ uid: 100000 })), `${start}100000 0000334 ${rest}0000 SMCR `);
  t.equal(
    await row(t, '', socket({ uid: 0xffffffff, inode: 0xffffffffffffffffn })),
    `${start}4294967295 18446744073709551615 ${rest}0000 SMCR `,
    'unsigned, all digits',
  );
  t.equal(
    await row(t, '', socket({ inode: 2n ** 53n + 1n })),
    `${start}00000 9007199254740993 ${rest}0000 SMCR `,
  );
  t.equal(await row(t, '', socket({ interface: 26 })), `${start}00000 0000334 ${rest}001a SMCR `);
  t.equal(await row(t, '', socket({ interface: 0x12345 })), `${start}00000 0000334 ${rest}12345 SMCR `);
});

t.test('debug columns', async (t) => {
  const start = 'ACTIVE         00000 0000334 10.0.0.1:5201           10.0.0.2:40000          0000 SMCR ';
  const withShutdown = (shutdown: number | undefined): object =>
    socket({ attributes: { shutdown, connection: CONNECTION } });
  for (const [bits, text] of [
    [0, ' <->  '],
    [1, ' R->  '],
    [2, ' <-W  '],
    [3, ' R-W  '],
    [0xfc, ' <->  '],
    [undefined, ' <->  '],
  ] as const)
    t.equal(await row(t, '-d', withShutdown(bits)), `${start}${text}${CONNECTION_TEXT}`);
  t.equal(await row(t, '-d', socket()), `${start} <->  `, 'without connection info');
});

t.test('SMC-R columns', async (t) => {
  const start = 'ACTIVE         00000 0000334 10.0.0.1:5201           10.0.0.2:40000          0000 SMCR ';
  const gids = 'fe80:0000:0000:0000:0000:00ff:fe00:0001  fe80:0000:0000:0000:0000:00ff:fe00:0002';
  const withLink = (link: object): object =>
    socket({ attributes: { connection: CONNECTION, link: { ...LINK, ...link } } });
  t.equal(await row(t, '-R', withLink({})), `${start}SERV mlx5_0          01   0b     ${gids}`);
  t.equal(await row(t, '-R', withLink({ role: 0 })), `${start}CLNT mlx5_0          01   0b     ${gids}`);
  t.equal(
    await row(t, '-R', withLink({ ibName: 'a_name_of_18_bytes', ibPort: 2, linkId: 255, role: 2 })),
    `${start}SERV a_name_of_18_bytes 02   ff     ${gids}`,
    'a long name pushes the rest',
  );
  t.equal(
    await row(t, '-R', withLink({ ibName: '', gid: '', peerGid: '' })),
    `${start}SERV ${' '.repeat(15)} 01   0b     ${' '.repeat(40)} `,
  );
  t.equal(await row(t, '-R', socket()), start, 'without link info');
  t.equal(
    await row(t, '-dR', withLink({})),
    `${start} <->  ${CONNECTION_TEXT}SERV mlx5_0          01   0b     ${gids}`,
  );
  t.equal(
    await row(t, '-R', withLink({ ibName: 'x\x1b[31m\x07' })),
    `${start}SERV x\\x1b[31m\\x07   01   0b     ${gids}`,
    'a name cannot steer the terminal',
  );
});

t.test('SMC-D columns', async (t) => {
  const start = 'ACTIVE         00000 0000334 10.0.0.1:5201           10.0.0.2:40000          0000 SMCD ';
  const one = socket({ mode: SMCD, attributes: { connection: CONNECTION, dmb: DMB } });
  t.equal(await row(t, '-D', one), start + DMB_TEXT);
  t.equal(await row(t, '-dD', one), `${start} <->  ${CONNECTION_TEXT}${DMB_TEXT}`);
  t.equal(await row(t, '-D', socket({ mode: SMCD })), start, 'without buffer info');
  const since68 = { ...DMB, peerGidExt: 5n, myGidExt: 6n };
  t.equal(await row(t, '-D', socket({ mode: SMCD, attributes: { dmb: since68 } })), start + DMB_TEXT);
});

t.test('only what was asked for is fetched', async (t) => {
  const CONNINFO = 1;
  const LGRINFO = 2;
  const DMBINFO = 8;
  for (const [argv, expected] of [
    ['', 0],
    ['-aW', 0],
    ['-d', CONNINFO],
    ['-R', LGRINFO],
    ['-D', DMBINFO],
    ['-dR', CONNINFO | LGRINFO],
    ['-dD', CONNINFO | DMBINFO],
    ['-j', CONNINFO | LGRINFO | DMBINFO],
  ] as const) {
    const kernel = new FakeKernel();
    let asked: Record<string, unknown> = {};
    kernel.sockets = (request) => {
      asked = request;
      return [];
    };
    await smcssOn(t, argv, { kernel });
    t.match(asked, { family: 43, extensions: expected }, argv);
  }
});

t.test('addresses', async (t) => {
  /** the address cells: local padded to 23, then one blank */
  const cell = async (from: string, argv = ''): Promise<string> => {
    const line = await row(t, argv, socket({ from, to: 'fd00:0:0:0:0:0:0:1 1' }), { ipv6: 1 });
    return line?.slice('ACTIVE         00000 0000334 '.length, line.indexOf('fd00::1:1')) ?? '';
  };
  const long = 'fd00:1234:5678:9abc:def0:1234:5678:9abc';
  for (const [from, short, full] of [
    [`${long} 6002`, 'fd00:1234:5678:9..:6002 ', `${long}:6002 `],
    [`${long} 1`, 'fd00:1234:5678:9abc..:1 ', `${long}:1 `],
    [`${long} 22`, 'fd00:1234:5678:9ab..:22 ', `${long}:22 `],
    [`${long} 443`, 'fd00:1234:5678:9a..:443 ', `${long}:443 `],
    [`${long} 38098`, 'fd00:1234:5678:..:38098 ', `${long}:38098 `],
    ['2001:db8:0:0:1:2:3:4 5201', '2001:db8::1:2:3:4:5201  ', '2001:db8::1:2:3:4:5201  '],
    ['2001:db8:0:0:1:2:3:4 15201', '2001:db8::1:2:3:4:15201 ', '2001:db8::1:2:3:4:15201 '],
    ['2001:db8:0:0:1:2:3:45 15201', '2001:db8::1:2:3..:15201 ', '2001:db8::1:2:3:45:15201 '],
    ['0:0:0:0:0:ffff:c0a8:10a 5201', '::ffff:192.168.1..:5201 ', '::ffff:192.168.1.10:5201 '],
    ['0:0:0:0:0:ffff:c0a8:10a 80', '::ffff:192.168.1.10:80  ', '::ffff:192.168.1.10:80  '],
    ['0:0:0:0:0:0:0:1 80', '::1:80                  ', '::1:80                  '],
    ['0:0:0:0:0:0:1:2 80', '::0.1.0.2:80            ', '::0.1.0.2:80            '],
    ['0:0:0:0:0:0:0:0 0', ':::0                    ', ':::0                    '],
  ] as const) {
    t.equal(await cell(from), short, from);
    t.equal(await cell(from, '-W'), full, from);
  }
  t.equal(
    await row(t, '', socket({ from: '255.255.255.255:65535', to: '192.168.100.200:65535' })),
    'ACTIVE         00000 0000334 255.255.255.255:65535   192.168.100.200:65535   0000 SMCR ',
  );
});

t.test('rows of the reference', async (t) => {
  const sockets = [
    socket({ state: 24, mode: SMCD, inode: 1126n, from: '127.0.0.1:0', to: '127.0.0.1:6002' }),
    socket({ mode: SMCD, from: '127.0.0.1:53246', to: '127.0.0.1:6003', interface: 1 }),
    socket({
      mode: TCP,
      inode: 371n,
      from: 'fd00:1234:5678:9:0:0:0:1 6002',
      to: 'fd00:1234:5678:9:1:0:0:1 38098',
      attributes: { fallback: { reason: 0x05000000, peerDiagnosis: 0x03030000 } },
    }),
  ];
  t.strictSame(await rows(t, '', sockets, { ipv6: 1 }), [
    'APPFINCLOSEWAIT1 00000 0001126 127.0.0.1:0             127.0.0.1:6002          0000 SMCD ',
    'ACTIVE         00000 0000334 127.0.0.1:53246         127.0.0.1:6003          0001 SMCD ',
    'ACTIVE         00000 0000371 fd00:1234:5678:9..:6002 fd00:1234:5678:..:38098 0000 TCP 0x05000000/0x03030000',
  ]);
});

t.test('addresses that the kernel leaves out', async (t) => {
  const nowhere = socket({ family: 2, from: '0.0.0.0:80', to: '0.0.0.0:4000' });
  t.equal(
    await row(t, '', nowhere),
    'ACTIVE         00000 0000334 unknown:80              unknown:4000            0000 SMCR ',
    'IPPROTO_SMC without a TCP socket of these ports',
  );
});

t.test('filters', async (t) => {
  const all = [
    socket({ inode: 1n }),
    socket({ inode: 2n, mode: SMCD }),
    socket({ inode: 3n, mode: TCP }),
    socket({ inode: 4n, state: INIT }),
    listener({ inode: 5n }),
    socket({ inode: 6n, state: CLOSED }),
    socket({ inode: 7n, state: 20, mode: SMCD }),
    listener({ inode: 8n, mode: TCP }),
    socket({ inode: 9n, state: CLOSED, mode: TCP }),
  ];
  for (const [argv, expected] of [
    ['', '1 2 3 6 7 9'],
    ['-d', '1 2 3 6 7 9'],
    ['-a', '1 2 3 4 5 6 7 8 9'],
    ['-l', '5 8'],
    ['-R', '1 6'],
    ['-D', '2 7'],
    ['-aR', '1 4 5 6'],
    ['-aD', '2 7'],
    ['-dR', '1 6'],
    ['-adD', '2 7'],
  ] as const) {
    const lines = await rows(t, argv, all);
    // the state may be 16 characters long
    t.equal(lines.map((line) => Number(line.split(/ +/)[2])).join(' '), expected, argv);
    const { stdout } = await smcssOn(t, `${argv} -j`, { sockets: all });
    t.equal(
      JSON.parse(stdout)
        .sockets.map(({ inode }: { inode: number }) => inode)
        .join(' '),
      expected,
      `${argv} -j`,
    );
  }
});

t.test('spellings of the options', async (t) => {
  const expected = await smcssOn(t, '-a -d -R -W', { sockets: [socket()] });
  for (const argv of [
    '-adRW',
    '-WRda',
    '--all --debug --smcr --wide',
    '--al --de --smcr --wi',
    '--a --d --smcr --w',
    '-aaddRRWW',
    '-ad -RW --',
  ])
    t.strictSame(await smcssOn(t, argv, { sockets: [socket()] }), expected, argv);
  const listening = await smcssOn(t, '-l', { sockets: [listener()] });
  t.strictSame(await smcssOn(t, '--l', { sockets: [listener()] }), listening);
});

t.test('conflicts, in the order of the C suite', async (t) => {
  const hint = '; smcss --help shows the usage\n';
  for (const [argv, message] of [
    ['-R -D', '--smcr and --smcd exclude each other'],
    ['-D -R', '--smcr and --smcd exclude each other'],
    ['-ladRD', '--smcr and --smcd exclude each other'],
    ['-l -d', '--listening and --debug exclude each other'],
    ['-aRdl', '--listening and --debug exclude each other'],
    ['-al', '--listening and --all exclude each other'],
    ['-laR', '--listening and --all exclude each other'],
    ['-lR', '--listening and --smcr exclude each other'],
    ['-Dl', '--listening and --smcd exclude each other'],
    ['-l -D x', '--listening and --smcd exclude each other'],
    ['-x', "unknown option '-x'"],
    ['-ax', "unknown option '-x'"],
    ['--nonsense', "unknown option '--nonsense'"],
    ['--s', "option '--s' is ambiguous: --smcd, --smcr"],
    ['--smc', "option '--smc' is ambiguous: --smcd, --smcr"],
    ['--all=yes', "option '--all' takes no value"],
    ['-j -R -D', '--smcr and --smcd exclude each other'],
  ] as const) {
    const kernel = new FakeKernel();
    t.strictSame(
      await smcssOn(t, argv, { kernel }),
      { status: 1, stdout: '', stderr: `smcss: ${message}${hint}` },
      argv,
    );
    t.strictSame(kernel.log, [], 'the kernel was not asked');
  }
  t.equal((await smcssOn(t, '-lW', { sockets: [listener()] })).status, 0);
});

t.test('filter', async (t) => {
  const tcp = { mode: TCP, attributes: { fallback: { reason: 0x03030000, peerDiagnosis: 0 } } };
  const sockets = [
    socket({ to: '10.0.0.2:443' }),
    socket({ mode: SMCD, from: '10.0.0.1:443', uid: 33 }),
    socket({ ...tcp, to: '10.1.0.2:1' }),
    socket({ state: INIT, from: '10.0.0.1:3' }),
    listener({ from: '0.0.0.0:443' }),
  ];
  /** Which of them a command line shows. */
  const shown = async (argv: string): Promise<number[]> => {
    const all = await rows(t, '-aW', sockets);
    return (await rows(t, `${argv}`, sockets)).map((line) => all.indexOf(line));
  };
  t.strictSame(await shown('-W'), [0, 1, 2]);
  t.strictSame(await shown('-W sport = :443'), [1], 'a listener is shown with -a');
  t.strictSame(await shown('-aW sport = :443'), [1, 4]);
  t.strictSame(await shown('sport = :443 -aW'), [1, 4], 'options and filter in any order');
  t.strictSame(await shown('-W state listening'), [4], 'or if the filter asks for states');
  t.strictSame(await shown('-W state all uid 0'), [0, 2, 3, 4]);
  t.strictSame(await shown('-lW sport 443 or state established'), [4], 'options and filter both select');
  t.strictSame(await shown('-W not mode tcp and { dport 443 or uid ge 33 }'), [0, 1]);
  t.strictSame(await shown('-W reason nosmcdev'), [2]);
  t.strictSame(await shown('-W side server'), [1], 'the listener shows it');
  t.strictSame(await shown('-W side client'), [0, 2]);
  const { stdout } = await smcssOn(t, '-j state listening', { sockets });
  t.strictSame(
    JSON.parse(stdout).sockets.map(({ local }: { local: object }) => local),
    [{ address: '0.0.0.0', port: 443 }],
  );
});

t.test('a filter asks the kernel for no more than it needs', async (t) => {
  for (const [argv, asks] of [
    ['sport 1 and mode tcp and reason MEM', ['sock_diag SMC']],
    ['side client', ['sock_diag SMC', 'sock_diag SMC']],
  ] as const) {
    const kernel = new FakeKernel();
    kernel.sockets = () => [];
    t.equal((await smcssOn(t, argv, { kernel })).status, 0);
    t.equal(kernel.log.length, asks.length, `${argv}: ${kernel.log}`);
  }
});

t.test('names of a filter are those of the host', async (t) => {
  const sockets = [socket({ interface: 2, uid: 33 }), socket()];
  const hostRoot = t.testdir({
    etc: { passwd: 'root:x:0:0::/:/bin/sh\nwww:x:33:33::/:/bin/sh\n' },
    proc: { net: { protocols: 'protocol  size sockets\nSMC 1 2\nSMC6 1 0\n' } },
    sys: { class: { net: { eth0: { ifindex: '2\n' } } } },
  });
  for (const filter of ['dev eth0', 'user www', 'user != root'])
    t.equal((await rows(t, filter, sockets, { hostRoot })).length, 1, filter);
});

t.test('a wrong filter is one line, and the kernel is not asked', async (t) => {
  for (const [argv, message] of [
    ['x', "column 1: expected a condition, not, ( or {; found 'x'"],
    ['-', "column 1: expected a condition, not, ( or {; found '-'"],
    ['-- -a', "column 1: expected a condition, not, ( or {; found '-a'"],
    [
      'sport 443 adn mode tcp',
      "column 11: expected and, or, another condition or the end; found 'adn' (did you mean and?)",
    ],
    ['sprot 443', "column 1: expected a condition, not, ( or {; found 'sprot' (did you mean sport?)"],
    ['mode smcr or', 'column 13: expected a condition, not, ( or {; found the end'],
    ['user nosuch', "column 6: expected the name of a user of /etc/passwd, or a number; found 'nosuch'"],
    [
      `mode ${'x'.repeat(1000)}`,
      `column 6: expected smcr, smcd, smc, tcp or none; found '${'x'.repeat(40)}'`,
    ],
    ['mode \x1b[31m', "column 6: expected smcr, smcd, smc, tcp or none; found '\\x1b[31m'"],
  ] as const) {
    const kernel = new FakeKernel();
    t.strictSame(
      await smcssOn(t, argv, { kernel }),
      { status: 1, stdout: '', stderr: `smcss: filter, ${message}; man smcss shows the usage\n` },
      argv,
    );
    t.strictSame(kernel.log, [], 'the kernel was not asked');
  }
});

t.test('help and version act where they stand', async (t) => {
  const kernel = new FakeKernel();
  for (const argv of ['-h', '-lah', '-RDh', '--help', '--he', '-a --h x', '-vh', '-hx']) {
    const { status, stdout, stderr } = await smcssOn(t, argv, { kernel });
    t.strictSame([status, stderr], [0, ''], argv);
    if (argv !== '-vh') t.match(stdout, /^Usage: smcss \[options\] \[FILTER\]\n/, argv);
  }
  for (const argv of ['-v', '--version', '--ver', '-lav', '-vh'])
    t.match((await smcssOn(t, argv, { kernel })).stdout, /^smcss utility, smc-tools-\S+\n$/, argv);
  t.equal((await smcssOn(t, '-xh', { kernel })).status, 1);
  t.strictSame(kernel.log, []);
});

t.test('an empty table', async (t) => {
  t.match(await smcssOn(t, '', {}), { status: 0, stdout: /^State .* Mode \n$/, stderr: '' });
  t.strictSame(await smcssOn(t, '-j', {}), {
    status: 0,
    stdout: '{"sockets":[],"complete":true}\n',
    stderr: '',
  });
  t.strictSame(await smcssOn(t, '-j', { terminal: true }), {
    status: 0,
    stdout: '{\n  "sockets": [],\n  "complete": true\n}\n',
    stderr: '',
  });
});

t.test('JSON has every field', async (t) => {
  const { stdout, stderr } = await smcssOn(t, '-j', {
    ipv6: 0,
    sockets: [
      socket({ interface: 3, uid: 1000, attributes: { shutdown: 2, connection: CONNECTION, link: LINK } }),
      socket({ mode: SMCD, attributes: { dmb: { ...DMB, peerGidExt: 0x10n, myGidExt: 0x20n } } }),
      socket({
        mode: TCP,
        from: 'fd00:1234:5678:9abc:def0:1234:5678:9abc 6002',
        to: '0:0:0:0:0:ffff:c0a8:10a 1',
        attributes: { fallback: { reason: 0x05000000, peerDiagnosis: 0x03030008 } },
      }),
    ],
  });
  t.equal(stderr, '');
  t.equal(stdout.split('\n').length, 2, 'one line');
  const document = JSON.parse(stdout);
  t.strictSame(Object.keys(document), ['sockets', 'complete']);
  t.equal(document.complete, true);
  const [smcr, smcd, tcp] = document.sockets;
  const { cookie, ...first } = smcr;
  t.match(cookie, /^[0-9a-f]{16}$/);
  t.strictSame(first, {
    state: 'ACTIVE',
    uid: 1000,
    inode: 334,
    family: 'ipv4',
    local: { address: '10.0.0.1', port: 5201 },
    peer: { address: '10.0.0.2', port: 40000 },
    interface: 3,
    mode: 'SMCR',
    fallback: null,
    shutdown: { receive: false, send: true },
    connection: {
      token: '1234abcd',
      sndbuf_bytes: 65536,
      rcvbuf_bytes: 65504,
      peerbuf_bytes: 4294967295,
      rx_prod: { wrap: 0, count: 1 },
      rx_cons: { wrap: 1, count: 32 },
      rx_flags: {
        producer: '80',
        connection: '40',
        writer_blocked: true,
        urgent_pending: false,
        urgent_present: false,
        update_requested: false,
        failover_validation: false,
        done_writing: false,
        closed: true,
        aborted: false,
      },
      tx_prod: { wrap: 65535, count: 4294967280 },
      tx_cons: { wrap: 3, count: 4 },
      tx_flags: {
        producer: '08',
        connection: 'a0',
        writer_blocked: false,
        urgent_pending: false,
        urgent_present: false,
        update_requested: false,
        failover_validation: true,
        done_writing: true,
        closed: false,
        aborted: true,
      },
      tx_prep: { wrap: 5, count: 6 },
      tx_sent: { wrap: 7, count: 8 },
      tx_fin: { wrap: 9, count: 10 },
    },
    link: {
      role: 'SERV',
      ib_device: 'mlx5_0',
      ib_port: 1,
      link_id: '0b',
      gid: LINK.gid,
      peer_gid: LINK.peerGid,
    },
    dmb: null,
  });
  t.match(smcd, {
    mode: 'SMCD',
    interface: null,
    shutdown: { receive: false, send: false },
    connection: null,
    link: null,
  });
  t.strictSame(smcd.dmb, {
    link_group_id: '00000100',
    gid: '0000000000000001',
    token: '0000000000000abc',
    peer_gid: 'fedcba9876543210',
    peer_token: 'ffffffffffffffff',
    ext_gid: '0000000000000020',
    peer_ext_gid: '0000000000000010',
  });
  t.match(tcp, {
    family: 'ipv6',
    local: { address: 'fd00:1234:5678:9abc:def0:1234:5678:9abc', port: 6002 },
    peer: { address: '::ffff:192.168.1.10', port: 1 },
    mode: 'TCP',
    fallback: {
      reason: { code: '0x05000000', name: 'PEERDECL' },
      peer_diagnosis: {
        code: '0x03030008',
        name: 'NOUEID',
        text: 'the client offered no enterprise ID',
      },
    },
  });
  t.strictSame(Object.keys(smcd), Object.keys(smcr), 'the same keys in every row');
});

t.test('JSON of what is unknown or not there', async (t) => {
  const { stdout } = await smcssOn(t, '-aj', {
    sockets: [
      listener(),
      socket({ state: INIT, from: '0.0.0.0:0', to: '0.0.0.0:0' }),
      socket({ state: 0x1c, mode: TCP, attributes: { fallback: { reason: 0xdead, peerDiagnosis: 0 } } }),
      socket({ mode: TCP, attributes: { fallback: undefined, shutdown: undefined } }),
      socket({ family: 10, from: '0.0.0.0:80', to: '0.0.0.0:4000' }),
      socket({ mode: SMCD, attributes: { dmb: DMB } }),
    ],
  });
  const [listening, init, odd, old, hidden, smcd] = JSON.parse(stdout).sockets;
  t.match(listening, { state: 'LISTEN', mode: null, peer: null, local: { port: 5201 } });
  t.match(init, { state: 'INIT', mode: null });
  t.strictSame(odd.state, '0x1c?');
  t.strictSame(odd.fallback, {
    reason: { code: '0x0000dead', name: null, text: null },
    peer_diagnosis: null,
  });
  t.match(old, { mode: 'TCP', fallback: null, shutdown: { receive: false, send: false } });
  t.strictSame(
    [hidden.family, hidden.local, hidden.peer],
    [null, { address: null, port: 80 }, { address: null, port: 4000 }],
  );
  t.strictSame([smcd.dmb.ext_gid, smcd.dmb.peer_ext_gid], [null, null], 'kernels before 6.8');
});

t.test('JSON keeps all digits', async (t) => {
  const { stdout } = await smcssOn(t, '-j', {
    sockets: [socket({ inode: 0xffffffffffffffffn, uid: 0xffffffff }), socket({ inode: 2n ** 53n + 1n })],
  });
  t.match(stdout, '"uid":4294967295,"inode":18446744073709551615,');
  t.match(stdout, '"inode":9007199254740993,');
});

t.test('JSON is indented on a terminal, in one line elsewhere', async (t) => {
  const sockets = [socket({ attributes: { connection: CONNECTION, link: LINK } }), listener()];
  const { stdout } = await smcssOn(t, '-aj', { sockets, terminal: true });
  t.equal(stdout, `${JSON.stringify(JSON.parse(stdout), undefined, 2)}\n`);
  const piped = await smcssOn(t, '-aj', { sockets });
  t.equal(piped.stdout, `${JSON.stringify(JSON.parse(stdout))}\n`);
});

t.test('a dump that fails before its first row', async (t) => {
  for (const [code, text] of [
    ['EPERM', /^smcss: permission denied; CAP_NET_ADMIN is needed: .*\n$/],
    ['EACCES', /^smcss: permission denied; CAP_NET_ADMIN is needed: .*\n$/],
    ['ENOMEM', /^smcss: the kernel does not have enough memory for this; .*\n$/],
    ['EOPNOTSUPP', /^smcss: this kernel cannot list SMC sockets; .*\n$/],
    ['EINVAL', /^smcss: the kernel does not list SMC sockets \(EINVAL\)\n$/],
    ['ENOENT', /^smcss: the kernel module smc is not loaded; .*modprobe smc.*\n$/],
  ] as const) {
    const kernel = new FakeKernel();
    kernel.sockets = () => {
      throw new Errno(code);
    };
    t.match(await smcssOn(t, '', { kernel }), { status: 1, stdout: /^$/, stderr: text }, code);
    const json = await smcssOn(t, '-j', { kernel });
    t.match(json, { status: 1, stderr: text });
    const document = JSON.parse(json.stdout);
    t.match(document, { sockets: [], complete: false });
    t.ok(json.stderr.startsWith(`smcss: ${document.error}`), document.error);
  }
});

t.test('no SMC in the kernel', async (t) => {
  const kernel = new FakeKernel();
  const absent = {
    lib: { modules: {} },
    proc: { net: { protocols: 'protocol  size sockets\n' } },
  };
  const { status, stdout, stderr } = await runCommand(smcss, '', {
    transport: kernel,
    hostRoot: t.testdir(absent),
  });
  t.strictSame([status, stdout], [1, '']);
  t.match(stderr, /^smcss: the kernel module smc is not loaded; load it on the host: modprobe smc\n$/);
});

t.test('a dump that fails in the middle', async (t) => {
  const kernel = new FakeKernel();
  kernel.sockets = () => {
    throw new Errno('ENOMEM', [socket({ inode: 1n }), socket({ inode: 2n }), socket({ inode: 3n })]);
  };
  const text = await smcssOn(t, '', { kernel });
  t.equal(text.status, 1);
  t.match(text.stdout, /^State .*\n(ACTIVE .*\n){3}$/, 'what was read is shown');
  t.equal(
    text.stderr,
    'smcss: the kernel does not have enough memory for this; try again when more memory is free\n',
  );
  for (const terminal of [false, true]) {
    const json = await smcssOn(t, '-j', { kernel, terminal });
    t.match(json, { status: 1, stderr: text.stderr });
    const { sockets, ...trailer } = JSON.parse(json.stdout);
    t.equal(sockets.length, 3);
    t.strictSame(trailer, { complete: false, error: 'the kernel does not have enough memory for this' });
  }
});

t.test('a table that changes while it is read', async (t) => {
  const NLM_F_DUMP_INTR = 0x10;
  const kernel = new FakeKernel();
  kernel.raw = (request) => {
    if (request.type !== SOCK_DIAG_BY_FAMILY) return undefined;
    const { attributes, ...message } = socket() as { attributes: object };
    const payload = Buffer.concat([
      smcDiagMessage.encode(message as never, kernel.order),
      smcDiagAttributes.encode(attributes, kernel.order),
    ]);
    return [
      kernel.message(request, payload, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI | NLM_F_DUMP_INTR),
      kernel.done(request),
    ];
  };
  const note =
    'smcss: the table changed while it was read: sockets may be missing or shown twice; run it again\n';
  t.match(await smcssOn(t, '', { kernel }), { status: 0, stdout: /\nACTIVE .*\n$/, stderr: note });
  const json = await smcssOn(t, '-j', { kernel });
  t.match(json, { status: 0, stderr: note });
  t.match(JSON.parse(json.stdout), { complete: false, sockets: [{ state: 'ACTIVE' }] });
});

t.test('a reply that is too short', async (t) => {
  const kernel = new FakeKernel();
  kernel.raw = (request) =>
    request.type === SOCK_DIAG_BY_FAMILY
      ? [kernel.message(request, Buffer.alloc(20), SOCK_DIAG_BY_FAMILY, NLM_F_MULTI), kernel.done(request)]
      : undefined;
  const { status, stdout, stderr } = await smcssOn(t, '', { kernel });
  t.strictSame([status, stdout], [1, '']);
  t.match(stderr, /^smcss: the kernel's reply to SOCK_DIAG SMC sockets cannot be read: [^\n]*\n$/);
});

const BOLD = '\x1b[1m';
const NOT_BOLD = '\x1b[22m';
const paint = (color: number, text: string): string => `\x1b[${color}m${text}\x1b[39m`;
const [GREEN, YELLOW, CYAN] = [32, 33, 36];

t.test('colours on a terminal', async (t) => {
  const sockets = [socket(), socket({ mode: SMCD }), listener()];
  const { stdout, stderr } = await smcssOn(t, '-a', { sockets, terminal: true, env: { TERM: 'xterm' } });
  t.equal(stderr, '');
  const start = 'ACTIVE         00000 0000334 10.0.0.1:5201           10.0.0.2:40000          0000 ';
  t.strictSame(stdout.split('\n'), [
    `${BOLD}${BASE.map(([title, width]) => title.padEnd(width)).join('')}${NOT_BOLD}`,
    start + paint(GREEN, 'SMCR '),
    start + paint(CYAN, 'SMCD '),
    'LISTEN         00000 0000334 0.0.0.0:5201            ',
    '',
  ]);
  const plain = await smcssOn(t, '-a', { sockets });
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
    t.strictSame(await smcssOn(t, '-a', { sockets, terminal: true, env }), plain);
  t.equal(stdout.replace(/\x1b\[\d+m/g, ''), plain.stdout, 'nothing but colours is added');
});

const fallback = (reason: number, peerDiagnosis = 0, more: SocketFields = {}): object =>
  socket({ mode: TCP, ...more, attributes: { fallback: { reason, peerDiagnosis } } });

t.test('reasons below the table, on a terminal', async (t) => {
  const sockets = [
    fallback(0x05000000, 0x03030008),
    fallback(0x03010000),
    socket(),
    fallback(0x03010000),
    fallback(0xdeadbeef, 0x03010000),
    fallback(0),
  ];
  const { stdout } = await smcssOn(t, '-H', { sockets, terminal: true, env: { NO_COLOR: '1' } });
  const [table, below] = stdout.split('\n\n');
  t.equal(table?.split('\n').length, 6);
  const lines = below?.split('\n') ?? [];
  t.strictSame(
    lines.map((line) => line.slice(0, 10)),
    ['0x03010000', '0x03030008', '0x05000000', '0xdeadbeef', ''],
    'each once, in order',
  );
  t.equal(
    lines[0],
    '0x03010000  PEERNOSMC: the peer did not offer SMC; start the peer program over SMC; make sure that nothing on the way removes the TCP option',
  );
  t.equal(lines[3], '0xdeadbeef  unknown reason; the peer may not run Linux');
  const coloured = await smcssOn(t, '-H', { sockets: [fallback(0x03010000)], terminal: true });
  t.match(coloured.stdout, `0000 ${paint(YELLOW, 'TCP ')}${paint(YELLOW, '0x03010000')}\n`);
  const piped = await smcssOn(t, '-H', { sockets });
  t.equal(piped.stdout, `${table}\n`, 'not in a pipe');
});

t.test('no reasons for rows that do not show one', async (t) => {
  for (const one of [
    fallback(0x03010000, 0, { state: CLOSED }),
    fallback(0x03010000, 0, { state: LISTEN }),
    fallback(0x03010000, 0, { state: INIT }),
    socket({ attributes: { fallback: { reason: 0x03010000, peerDiagnosis: 0 } } }),
    socket({ mode: TCP, attributes: { fallback: undefined } }),
    fallback(0),
  ]) {
    const { stdout } = await smcssOn(t, '-aH', { sockets: [one], terminal: true, env: { NO_COLOR: '1' } });
    t.equal(stdout.split('\n').length, 2, stdout);
  }
});

t.test('many sockets, over many datagrams', async (t) => {
  const sockets = Array.from({ length: 3000 }, (_, i) =>
    socket({ inode: BigInt(i), attributes: { connection: CONNECTION } }),
  );
  const kernel = new FakeKernel();
  kernel.sockets = () => sockets;
  kernel.datagramSize = 32_400;
  const { stdout, stderr } = await smcssOn(t, '-dH', { kernel });
  t.equal(stderr, '');
  t.strictSame(
    stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => Number(line.split(/ +/)[2])),
    Array.from({ length: 3000 }, (_, i) => i),
  );
});

t.test('both byte orders give the same text', async (t) => {
  const outcomes = [];
  const sockets = [
    socket({ interface: 2, inode: 2n ** 40n, attributes: { connection: CONNECTION, link: LINK } }),
    socket({ mode: SMCD, attributes: { dmb: DMB } }),
    fallback(0x03010000, 5),
  ];
  for (const order of ['LE', 'BE'] as const) {
    const kernel = new FakeKernel(order);
    kernel.sockets = () => sockets;
    outcomes.push(await smcssOn(t, '-j', { kernel }));
  }
  t.match(outcomes[0]?.stdout, '"inode":1099511627776,');
  t.strictSame(outcomes[0], outcomes[1]);
});

t.test('a kernel that a listing can crash', async (t) => {
  const row = socket({ mode: SMCR });
  const oneSocket = (): FakeKernel => {
    const kernel = new FakeKernel();
    kernel.sockets = () => [row];
    return kernel;
  };
  const host = (release: string, protocols = 'protocol size sockets\nSMC 1 1\n'): string =>
    t.testdir({ proc: { sys: { kernel: { osrelease: `${release}\n` } }, net: { protocols } } });
  const list = (argv: string, hostRoot: string) =>
    runCommand(smcss, argv, {
      transport: oneSocket(),
      hostRoot,
    });
  const warning =
    /^smcss: judging by its version \(6\.1\.60\), querying this kernel is dangerous: listing SMC-D sockets .*; update it to Linux 6\.1\.76 or later\n$/;
  for (const argv of ['-D', '-aD', '-j']) {
    const { status, stdout, stderr } = await list(argv, host('6.1.60'));
    t.equal(status, 0);
    t.match(stderr, warning, `${argv}: one line`);
    t.equal(stdout, (await list(argv, host('6.1.192'))).stdout, 'and the list');
  }
  t.match((await list('-R', host('6.1.60'))).stderr, /listing SMC-R sockets/);
  t.equal((await list('', host('6.1.60'))).stderr, '', 'the basics are harmless');
  const inet = 'protocol size sockets\nINET_SMC 1 1\n';
  t.match((await list('', host('6.12.55', inet))).stderr, /^smcss: .* IPPROTO_SMC .*\n$/);
  t.equal((await list('-a', host('6.12.56', inet))).stderr, '');
  const recorded = await runCommand(smcss, '-j', {
    transport: oneSocket(),
    hostRoot: host('6.1.60'),
    isRecorded: true,
  });
  t.equal(recorded.stderr, '', 'a recording is not a kernel');
  t.equal(JSON.parse(recorded.stdout).sockets.length, 1);
});
