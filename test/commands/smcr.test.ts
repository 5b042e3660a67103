// SPDX-License-Identifier: MIT
// Exact output of smcr: tables at each level and filter, JSON, grammar, exit status.
import t, { type Test } from 'tap';
import { smcr } from '../../src/commands/smcr/command.ts';
import { emptyKernel, fails, inspectedKernel } from '../helpers/inspected-kernel.ts';
import { type RunOptions, runCommand } from '../helpers/run-command.ts';

/** Interfaces lo and eth0 with the indexes 1 and 2; soft-RoCE with addresses of RoCE version 2. */
const hostOf = (t: Test) =>
  t.testdir({
    sys: {
      class: {
        net: { lo: { ifindex: '1\n' }, eth0: { ifindex: '2\n' }, bonding_masters: '' },
        infiniband: { rxelo: { ports: { 1: { gid_attrs: { types: { 0: 'RoCE v2\n', 1: 'RoCE v2\n' } } } } } },
      },
    },
  });

const call = (t: Test, argv: string, options: RunOptions = {}) =>
  runCommand(smcr, argv, { transport: inspectedKernel(), hostRoot: hostOf(t), ...options });

const stdout = async (t: Test, argv: string, options: RunOptions = {}) => {
  const outcome = await call(t, argv, options);
  t.strictSame({ ...outcome, stdout: '' }, { status: 0, stdout: '', stderr: '' }, argv);
  return outcome.stdout;
};

const DEVICES = 'Net-Dev         IB-Dev   IB-P  IB-State  Type          Crit  #Links  PNET-ID  \n';
const BOND_1 = 'eth0            mlx5_bon    1    ACTIVE  RoCE_Express2  Yes      12  NET1             \n';
const BOND_2 = '                mlx5_bon    2  INACTIVE  RoCE_Express2  Yes       0  *ABCDEFGHIJKLMNOP \n';
const SOFT = 'lo              rxelo       1    ACTIVE  0               No       0                   \n';

t.test('device', async (t) => {
  t.equal(await stdout(t, 'device'), DEVICES + BOND_1 + BOND_2 + SOFT);
  t.equal(await stdout(t, 'dev show all'), DEVICES + BOND_1 + BOND_2 + SOFT);
  t.equal(await stdout(t, 'd ibdev mlx5_bond_0'), DEVICES + BOND_1 + BOND_2, 'full names are compared');
  t.equal(await stdout(t, 'd ibdev mlx5_bon'), DEVICES);
  t.equal(await stdout(t, 'device netdev lo'), DEVICES + SOFT);
  t.equal(
    await stdout(t, '-d device'),
    'Net-Dev         IB-Dev   IB-P  IB-State  Type          Crit   FID   PCI-ID        PCHID  #Links  PNET-ID  \n' +
      'eth0            mlx5_bon    1    ACTIVE  RoCE_Express2  Yes   00ff  0001:00:00.0  01ff       12  NET1             \n' +
      '                mlx5_bon    2  INACTIVE  RoCE_Express2  Yes   00ff  0001:00:00.0  01ff        0  *ABCDEFGHIJKLMNOP \n' +
      'lo              rxelo       1    ACTIVE  0               No   0000                0000        0                   \n',
  );
  t.equal(await stdout(t, '-da device'), await stdout(t, '-d device'), '-a does not take the details away');
  const { devices } = JSON.parse(await stdout(t, '-j device'));
  t.equal(devices.length, 3);
  t.strictSame(devices[1], {
    interface: null,
    interface_index: 77,
    ib_device: 'mlx5_bond_0',
    ib_port: 2,
    state: 'INACTIVE',
    type: 'RoCE_Express2',
    critical: true,
    pci_fid: '00ff',
    pci_id: '0001:00:00.0',
    pchid: '01ff',
    pci_vendor: '15b3',
    pci_device: '1016',
    links: 0,
    pnet_id: 'ABCDEFGHIJKLMNOP',
    pnet_id_by_user: true,
  });
  t.match(devices[2], { type: null, pci_fid: null, pci_id: null, pnet_id: null, pnet_id_by_user: false });
});

t.test('names are not cut on a terminal', async (t) => {
  const { stdout } = await call(t, 'device', { terminal: true, env: { NO_COLOR: '1' } });
  t.match(stdout, /^Net-Dev {9}IB-Dev {6}IB-P .*\neth0 {12}mlx5_bond_0 {4}1 .*\n.*\nlo {14}rxelo {10}1 /);
});

const GROUPS = 'LG-ID    LG-Role  LG-Type  VLAN  #Conns  PNET-ID \n';
const GROUP_1 = '00000100 SERV     SYM      0x64       3  NET1             \n';
const GROUP_2 = '00000200 CLNT     0x7?        0       1                   \n';

t.test('linkgroup', async (t) => {
  t.equal(await stdout(t, 'linkgroup'), GROUPS + GROUP_1 + GROUP_2);
  t.equal(await stdout(t, 'l s all'), GROUPS + GROUP_1 + GROUP_2);
  for (const id of ['100', '0x100', '00000102']) t.equal(await stdout(t, `link ${id}`), GROUPS + GROUP_1, id);
  t.match(await call(t, 'linkgroup 0'), { status: 1, stdout: GROUPS }, 'no link group has the id 0');
  t.equal(await stdout(t, 'linkgroup ibdev rxelo'), GROUPS + GROUP_1, 'filters count for groups, too');
  t.equal(await stdout(t, 'linkgroup show netdev eth0'), GROUPS + GROUP_1);
  t.equal(await stdout(t, 'linkgroup show netdev lo'), GROUPS);
  t.equal(
    await stdout(t, '-d linkgroup'),
    `LG-ID    : 00000100
LG-Role  : SERV
LG-Type  : SYM
VLAN     : 64
PNET-ID  : NET1
Version  : 2
Peer-Rel : 1
Peer-Host: peer
Peer-OS  : Unknown (0x9)
Direct   : Yes
EID      : MY.EID                          
#Conns   : 3
Sndbuf   : 131072 B
RMB      : 131072 B

LG-ID    : 00000200
LG-Role  : CLNT
LG-Type  : 0x7?
VLAN     : 0
PNET-ID  : 
Version  : 1
#Conns   : 1
Sndbuf   : 0 B
RMB      : 0 B
`,
    'a group of version 1 gets nothing of the one before',
  );
  const { link_groups: groups } = JSON.parse(await stdout(t, '-j linkgroup'));
  const { links, ...group } = groups[0];
  t.strictSame(group, {
    link_group_id: '00000100',
    role: 'SERV',
    type: 'SYM',
    vlan_id: 100,
    connections: 3,
    pnet_id: 'NET1',
    version: 2,
    peer_release: 1,
    peer_host: 'peer',
    peer_os: null,
    direct: true,
    eid: 'MY.EID',
    sndbuf_bytes: 131_072,
    rmb_bytes: 131_072,
    max_connections: 255,
    max_links: 2,
    buffer_type: 'VIRTUAL',
    net_cookie: 1,
  });
  t.equal(links.length, 2);
  t.match(groups[1], { version: 1, eid: null, rmb_bytes: null, net_cookie: null, direct: null, links: [] });
});

t.test('linkgroup link-show', async (t) => {
  const head = 'LG-ID    LG-Role  LG-Type  Net-Dev         Link-State      #Conns  ';
  const one = '00000100 SERV     SYM      eth0            LINK_ACTIVE          2  ';
  const two = '00000100 SERV     SYM                      LINK_ACTIVATING      1  ';
  t.equal(await stdout(t, 'linkgroup link-show'), `${head}\n${one}\n${two}\n`);
  const details = ['00000101  00001f02  mlx5_bon     1  ', '00000102  00001f02  rxelo        1  '];
  const detailHead = `${head}Link-UID  Peer-UID  IB-Dev    IB-P  `;
  t.equal(
    await stdout(t, '-d linkgroup link-show'),
    `${detailHead}\n${one}${details[0]}\n${two}${details[1]}\n`,
  );
  const gids = '0000:0000:0000:0000:0000:ffff:0a09:0001   0000:0000:0000:0000:0000:ffff:0a09:0002  ';
  t.equal(
    await stdout(t, '-dd linkgroup l'),
    `${detailHead}Local-GID                                 Peer-GID  \n` +
      `${one}${details[0]}${gids}\n${two}${details[1]}${gids}\n`,
  );
  t.equal(await stdout(t, 'linkgroup l netdev eth0'), `${head}\n${one}\n`);
  t.equal(await stdout(t, 'linkgroup l ibdev rxelo'), `${head}\n${two}\n`);
  t.equal(await stdout(t, 'linkgroup l 102'), `${head}\n${one}\n${two}\n`);
  t.equal(await stdout(t, 'linkgroup l 200'), `${head}\n`);
  const { links } = JSON.parse(await stdout(t, '-j linkgroup link-show'));
  t.strictSame(links[1], {
    link_group_id: '00000100',
    link_id: '02',
    role: 'SERV',
    type: 'SYM',
    interface: null,
    interface_index: 77,
    state: 'LINK_ACTIVATING',
    connections: 1,
    link_uid: '00000102',
    peer_uid: '00001f02',
    ib_device: 'rxelo',
    ib_port: 1,
    gid: '0000:0000:0000:0000:0000:ffff:0a09:0001',
    peer_gid: '0000:0000:0000:0000:0000:ffff:0a09:0002',
  });
});

t.test('what the kernel does not tell is null', async (t) => {
  const transport = inspectedKernel({
    GET_LINK_SMCR: () => [{ lgrSmcr: { id: 0x100 } }, { linkSmcr: { id: 1 } }],
    GET_DEV_SMCR: () => [{ devSmcr: { ibName: 'rxe', port: { valid: 1 } } }],
  });
  const parse = async (argv: string) => JSON.parse(await stdout(t, argv, { transport }));
  const { links } = await parse('-j linkgroup l');
  t.strictSame(links, [
    {
      ...Object.fromEntries(Object.keys(links[0]).map((key) => [key, null])),
      link_group_id: '00000100',
      link_id: '01',
    },
  ]);
  const [{ version, links: inside, link_group_id, ...group }] = (await parse('-j linkgroup')).link_groups;
  t.strictSame([link_group_id, version, inside.length], ['00000100', 1, 1]);
  t.ok(Object.values(group).every((value) => value === null));
  t.match((await parse('-j device')).devices, [
    { state: null, critical: null, links: null, interface: null },
  ]);
});

t.test('info', async (t) => {
  const text = await stdout(t, 'info');
  t.equal(
    text,
    `Kernel Capabilities\nSMC Version:      2.1\nSMC Hostname:     ${'alpha'.padEnd(32)}\n` +
      'SMC-D Features:   v1 v2\nSMC-R Features:   v1 v2\n\nHardware Capabilities\n' +
      'SEID:             SEID\nISM:              v1 v2\nRoCE:             v1 v2\n',
  );
  t.equal(await stdout(t, 'i s'), text);
  t.strictSame(JSON.parse(await stdout(t, '-j info')), {
    info: {
      version: '2.1',
      hostname: 'alpha',
      smcd_versions: [1, 2],
      smcr_versions: [1, 2],
      seid: 'SEID',
      ism_versions: [1, 2],
      roce_versions: [1, 2],
      loopback_ism: null,
      smcd_devices: 1,
      rdma_devices: 2,
    },
  });
  const rocePart = async (devices: object[]) =>
    (
      await stdout(t, 'info', {
        transport: inspectedKernel({ GET_DEV_SMCR: () => devices.map((devSmcr) => ({ devSmcr })) }),
      })
    ).slice(-15);
  const port = { valid: 1 };
  t.equal(await rocePart([{ ibName: 'mlx4_0', pciDevice: 0x1004, port }]), '           v1\n'.padStart(15));
  t.match(await rocePart([{ ibName: 'mlx5_0', pciDevice: 0x1019, port }]), /v1 v2\n$/, 'any other adapter');
  t.match(await rocePart([{ ibName: 'rxelo', port }]), / v2\n$/, 'soft-RoCE: what its addresses say');
});

t.test('a kernel with nothing in it', async (t) => {
  const transport = emptyKernel();
  for (const words of [
    'device',
    'linkgroup',
    'linkgroup link-show',
    '-d linkgroup',
    'ueid',
    'linkgroup ibdev x',
  ])
    t.equal(await stdout(t, words, { transport }), '', words);
  t.match(
    await stdout(t, 'info', { transport }),
    /SMC Version: {6}2\.0\nSMC Hostname: {5}n\/a\n.*v1 v2\nSMC-R Features: {3}v1\n/,
  );
  const onTerminal = { transport, terminal: true };
  t.strictSame(await call(t, 'linkgroup', onTerminal), {
    status: 0,
    stdout: '',
    stderr: 'smcr: there are no SMC-R link groups\n',
  });
  t.equal(
    (await call(t, 'linkgroup netdev nope', { terminal: true, env: { TERM: 'dumb' } })).stderr,
    'smcr: none of the 2 SMC-R link groups was selected\n',
  );
});

t.test('an id that no link group has', async (t) => {
  const stderr = 'smcr: there is no link group 00000500; smcr linkgroup lists all\n';
  for (const words of ['linkgroup 500', 'linkgroup show 500', 'linkgroup link-show 501', 'linkgroup 0x5ff'])
    for (const terminal of [false, true]) {
      const outcome = await call(t, words, { terminal, env: { TERM: 'dumb' } });
      t.equal(outcome.status, 1, words);
      t.match(outcome.stderr, /^smcr: there is no link group 000005(00|01|ff); smcr linkgroup lists all\n$/);
      // as the C suite does
      t.match(outcome.stdout, /^(\x1b\[1m)?LG-ID .*\n$/, 'the header');
    }
  t.strictSame(await call(t, '-d linkgroup 500'), { status: 1, stdout: '', stderr });
  t.strictSame(await call(t, '-j linkgroup 500'), { status: 1, stdout: '{"link_groups":[]}\n', stderr });
  t.equal((await call(t, 'linkgroup 1ff')).status, 0, 'the uid of a link is one of its group');
  t.match(await call(t, 'linkgroup netdev nope'), { status: 0, stderr: '' }, 'a filter may leave nothing');
});

t.test('grammar and exit status', async (t) => {
  for (const [argv, status, stderr] of [
    ['-x', 255, "smcr: unknown option '-x'; smcr --help shows the usage"],
    ['-', 255, "smcr: '-' is not an option; smcr --help shows the usage"],
    ['nothing', 1, "smcr: there is no object 'nothing'; smcr --help shows the usage"],
    ['se', 1, 'smcr: seid is an object of smcd; smcr --help shows the usage'],
    ['device 100', 255, "smcr: unexpected word '100'; smcr device help shows the usage"],
    ['device ibdev', 255, 'smcr: ibdev requires a name; smcr device help shows the usage'],
    ['linkgroup netdev', 255, 'smcr: netdev requires a name; smcr linkgroup help shows the usage'],
    [
      'linkgroup junk',
      255,
      "smcr: 'junk' is neither a keyword nor a link group ID (a hexadecimal number); smcr linkgroup help shows the usage",
    ],
    [
      'linkgrup',
      1,
      "smcr: there is no object 'linkgrup' (did you mean linkgroup?); smcr --help shows the usage",
    ],
    ['sysctls', 1, "smcr: there is no object 'sysctls' (did you mean sysctl?); smcr --help shows the usage"],
    [
      '--detials device',
      255,
      "smcr: unknown option '--detials' (did you mean --details?); smcr --help shows the usage",
    ],
    ['ueid shwo', 255, "smcr: unexpected word 'shwo' (did you mean show?); smcr ueid help shows the usage"],
    ['info sohw', 255, "smcr: unexpected word 'sohw' (did you mean show?); smcr info help shows the usage"],
    [
      'linkgroup link-shwo',
      255,
      "smcr: 'link-shwo' is neither a keyword nor a link group ID (a hexadecimal number) (did you mean link-show?); smcr linkgroup help shows the usage",
    ],
    ['info show show', 255, "smcr: unexpected word 'show'; smcr info help shows the usage"],
    ['stats show reset', 255, "smcr: unexpected word 'reset'; smcr stats help shows the usage"],
    ['info --interval 5', 255, 'smcr: info does not take --interval; smcr info help shows the usage'],
    ['hs-limit show enable', 255, "smcr: unexpected word 'enable'; smcr hs-limit help shows the usage"],
  ] as const)
    t.strictSame(await call(t, argv), { status, stdout: '', stderr: `${stderr}\n` }, argv);
  const help = await stdout(t, '--help');
  t.match(help, /Objects:\n {2}device {5}devices/);
  t.notMatch(help, /seid/, 'only smcd has it');
  for (const argv of ['', 'help', 'he', '-h', '--he']) t.equal(await stdout(t, argv), help, argv);
  t.match(
    await stdout(t, 'linkgroup help'),
    /Usage: smcr \[options\] linkgroup .*\n[\s\S]*smcr-linkgroup\(8\)/,
  );
  t.equal(await stdout(t, 'linkgroup link-show --help'), await stdout(t, 'l he'));
  for (const argv of ['-v', '--version', '-ver device'])
    t.match(await stdout(t, argv), /^smcr utility, smc-tools-\d/, argv);
});

t.test('failures', async (t) => {
  const failing = inspectedKernel({ GET_DEV_SMCR: fails('ENOMEM'), GET_STATS: fails('EOPNOTSUPP') });
  t.strictSame(await call(t, 'device', { transport: failing }), {
    status: 255,
    stdout: '',
    stderr: 'smcr: the kernel does not have enough memory for this; try again when more memory is free\n',
  });
  t.strictSame(await call(t, '-j stats', { transport: failing }), {
    status: 255,
    stdout: '',
    stderr:
      'smcr: this kernel does not know the command SMC_GEN_NETLINK GET_STATS; a newer kernel is needed\n',
  });
  const none = inspectedKernel();
  none.unload('SMC_GEN_NETLINK');
  const { status, stderr } = await call(t, 'device', { transport: none });
  t.equal(status, 1);
  t.match(stderr, /^smcr: the kernel module smc is not loaded; /);
});
