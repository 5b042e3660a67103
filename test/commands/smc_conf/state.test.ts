// SPDX-License-Identifier: MIT
// smc_conf export, check and diff on made-up hosts.
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { smcConf } from '../../../src/commands/smc_conf/command.ts';
import { parseConfiguration } from '../../../src/commands/smc_conf/file.ts';
import { schemaReference } from '../../../src/commands/smc_conf/write-yaml.ts';
import { smcGenNetlink, smcPnetid } from '../../../src/netlink/uapi/smc.ts';
import { Errno, FakeKernel } from '../../helpers/fake-kernel.ts';
import { type Files, mainframe, plant, server } from '../../helpers/host-trees.ts';
import { ISM, ROCE, SOFT_ROCE } from '../../helpers/inspected-kernel.ts';
import { type Outcome, runCommand } from '../../helpers/run-command.ts';

interface State {
  /** PNET ID and interface, or PNET ID, device and port */
  table?: readonly (readonly [id: string, name: string, port?: number])[];
  ueids?: readonly string[];
  seid?: object;
  isLimited?: boolean;
  smcr?: object[];
  smcd?: object[];
  /** Linux 5.10: no UEIDs, SEID and handshake limitation */
  isOld?: boolean;
}

function kernel(state: State = {}): FakeKernel {
  const { table = [], ueids = [], seid = {}, isLimited = false, smcr = [], smcd = [], isOld } = state;
  const unlessOld = (rows: () => object[]) => (): object[] => {
    if (isOld) throw new Errno('EOPNOTSUPP');
    return rows();
  };
  return new FakeKernel()
    .serve(smcPnetid, {
      GET: () =>
        table.map(([name, object, ibPort]) =>
          ibPort === undefined
            ? { name, ethName: object, ibName: 'n/a', ibPort: 255 }
            : { name, ethName: 'n/a', ibName: object, ibPort },
        ),
    })
    .serve(smcGenNetlink, {
      GET_SYS_INFO: () => [{ sysInfo: { version: 2, release: 1, isIsmV2: 0, localHost: 'a' } }],
      GET_DEV_SMCR: () => smcr.map((devSmcr) => ({ devSmcr })),
      GET_DEV_SMCD: () => smcd.map((devSmcd) => ({ devSmcd })),
      DUMP_UEID: unlessOld(() => ueids.map((entry) => ({ entry }))),
      DUMP_SEID: unlessOld(() => [seid]),
      DUMP_HS_LIMITATION: unlessOld(() => [{ enabled: Number(isLimited) }]),
    });
}

/** Settings of a kernel 6.12. */
const SYSCTLS: Files = {
  'proc/sys/net/smc/autocorking_size': '65536\n',
  'proc/sys/net/smc/wmem': '262144\n',
  'proc/sys/net/smc/rmem': '65536\n',
  'proc/sys/net/smc/limit_smc_hs': '0\n',
};

const SCHEMA = fileURLToPath(new URL('../../../schemas/smc.yaml.schema.json', import.meta.url));

const HEAD = `# yaml-language-server: $schema=${schemaReference(SCHEMA)}
# How SMC is set up on this host; see smc.yaml(5).
`;

const run = (
  argv: readonly string[] | string,
  transport: FakeKernel,
  hostRoot: string,
  options: object = {},
): Promise<Outcome> => runCommand(smcConf, argv, { transport, hostRoot, ...options });

/** A file in a directory of its own. */
function fileWith(t: Test, text: string): string {
  const file = join(t.testdir({}), 'smc.yaml');
  writeFileSync(file, text);
  return file;
}

const FULL: State = {
  table: [
    ['NET2', 'ens1f1'],
    ['NET1', 'ens1f0'],
    ['NET1', 'mlx5_1', 2],
    ['100', '0000:01:00.0', 1],
    ['NET1', 'eth0'],
    ['NET1', 'mlx5_0', 1],
    ['NET2', 'loopback-ism', 1],
  ],
  ueids: ['PLEX', 'A.B'],
  isLimited: true,
};

t.test('export', async (t) => {
  const root = plant(t, server, SYSCTLS);
  const expected = `${HEAD}
version: 1
pnet:
  "100":
    rdma_devices:
      - "0000:01:00.0"
  NET1:
    interfaces:
      - ens1f0
      - eth0
    rdma_devices:
      - mlx5_0
      - name: mlx5_1
        port: 2
  NET2:
    interfaces:
      - ens1f1
    ism_devices:
      - loopback-ism
ueids:
  - A.B
  - PLEX
handshake_limit: true
sysctls:
  autocorking_size: 65536
  wmem: 262144
  rmem: 65536
`;
  t.strictSame(await run('export', kernel(FULL), root), { status: 0, stdout: expected, stderr: '' });
  const shuffled = { ...FULL, table: [...FULL.table!].reverse(), ueids: [...FULL.ueids!].reverse() };
  t.equal((await run('export', kernel(shuffled), root)).stdout, expected, 'the order does not matter');
  const json = await run('export -j', kernel(FULL), root);
  t.strictSame(
    parseConfiguration(json.stdout, 'json').configuration,
    parseConfiguration(expected, 'yaml').configuration,
    'JSON says the same, and is a file, too',
  );
  for (const text of [expected, json.stdout]) {
    const file = fileWith(t, text);
    const argv = ['diff', '--prune', '-f', file];
    t.strictSame(await run(argv, kernel(FULL), root), { status: 0, stdout: '', stderr: '' }, 'no difference');
  }
});

t.test('the schema that an export names', async (t) => {
  const { title } = JSON.parse(readFileSync(SCHEMA, 'utf8')) as { title: string };
  t.equal(title, 'smc.yaml', 'that of this installation');
  t.equal(schemaReference('/opt/node-20/lib/x@1.json'), '/opt/node-20/lib/x@1.json');
  t.equal(schemaReference('/opt/my own/#1.json'), 'file:///opt/my%20own/%231.json', 'a path with a blank');
  // with --from it is the one of distributions: test/replay.test.ts
});

t.test('export of nothing', async (t) => {
  const root = plant(t, server, { 'proc/sys/net/smc/wmem': '65536\n' });
  const rest = 'sysctls:\n  wmem: 65536\n';
  t.equal(
    (await run('export', kernel(), root)).stdout,
    `${HEAD}\nversion: 1\npnet: {}\nueids: []\nhandshake_limit: false\n${rest}`,
  );
  t.equal(
    (await run('export', kernel({ isOld: true }), root)).stdout,
    `${HEAD}\nversion: 1\npnet: {}\n${rest}`,
    'what an old kernel does not have is not mentioned',
  );
});

t.test('export: what hardware has', async (t) => {
  const root = plant(t, mainframe, SYSCTLS);
  const state = {
    table: [['NET9', 'eno3']] as const,
    seid: { entry: 'IBM-SYSZ-ISMSEID0000000012345678', enabled: 1 },
    smcr: [ROCE, SOFT_ROCE],
    smcd: [ISM],
  };
  const { stdout } = await run('export', kernel(state), root);
  t.match(
    stdout,
    /\n# PNET IDs in hardware, which cannot be set here:\n# {3}NET1: .*\bdevice 0000:00:00\.0, device mlx5_bond_0 port 1, .*interface enc1000\b.*\n# {3}NET2: .*interface enc2000\b.*\n(?:#.*\n)*pnet:\n/,
  );
  t.match(stdout, '\n# The SEID of this machine: IBM-SYSZ-ISMSEID0000000012345678\nseid: true\n');
  t.match(
    stdout,
    'pnet:\n  ABCDEFGHIJKLMNOP:\n    rdma_devices:\n      - name: mlx5_bond_0\n        port: 2\n  NET9:',
    'a port that a user has set and the table does not list',
  );
});

t.test('export: what a file cannot have', async (t) => {
  const root = plant(t, server, SYSCTLS, { 'proc/sys/net/smc/smcr_testlink_time': '-1\n' });
  const state = {
    table: [
      ['N\u00c9T', 'eth0'],
      ['NET1', 'a\nb'],
      ['NET1', 'eth1'],
    ] as const,
    ueids: ['A..B', 'C'],
  };
  const { status, stdout, stderr } = await run('export', kernel(state), root);
  t.equal(status, 0);
  const leftOut = [
    'UEID A..B',
    'sysctl smcr_testlink_time with the value -1',
    'interface a\\x0ab in PNET ID NET1',
    'interface eth0 in PNET ID N\u00c9T',
  ];
  t.equal(stderr, leftOut.map((one) => `smc_conf: ${one} is left out: a file cannot have it\n`).join(''));
  for (const one of leftOut) t.ok(stdout.includes(`# Not in this file, which cannot have it: ${one}\n`), one);
  t.match(stdout, 'pnet:\n  NET1:\n    interfaces:\n      - eth1\nueids:\n  - C\n');
  parseConfiguration(stdout, 'f');
});

t.test('export: options', async (t) => {
  const root = plant(t, server, SYSCTLS);
  const usage = (message: string): Outcome => ({
    status: 1,
    stdout: '',
    stderr: `smc_conf: ${message}; smc_conf --help shows the usage\n`,
  });
  for (const [argv, message] of [
    ['export -f x', 'export prints the state; to put it into a file, use --merge, or > FILE'],
    ['export --dry-run', '--dry-run has no effect on export without --merge'],
    ['export --merge -j', '--json and --merge exclude each other'],
    ['export --prune', 'export does not take --prune'],
    ['check --merge', 'check does not take --merge'],
    ['diff --keep-going', 'diff does not take --keep-going'],
    ['export export', "unexpected argument 'export'"],
    ['exprot', "unknown action 'exprot' (did you mean export?)"],
    ['', 'missing argument ACTION'],
  ] as const) {
    const fake = kernel();
    t.strictSame(await run(argv, fake, root), usage(message), argv);
    t.strictSame(fake.log, [], 'the kernel is not asked');
  }
});

const COMMENTED = `# our hosts
version: 1   # the first

pnet:
  # the storage network
  net1:
    interfaces: [ens1f0, gone]   # both ports
    rdma_devices: [mlx5_0]
  OLD: {interfaces: [eth9]}

ueids:
- PLEX       # of the whole site
- gone
seid: true   # on the mainframe
handshake_limit: false
sysctls:
  wmem: 256k   # measured
  smcr_max_send_wr: 32
  rmem: 1m
namespaces:
  red: {handshake_limit: true}
`;

t.test('export --merge keeps what people wrote', async (t) => {
  const root = plant(t, server, SYSCTLS);
  const state: State = {
    table: [
      ['NET1', 'ens1f0'],
      ['NET1', 'eth0'],
      ['NET1', 'mlx5_0', 1],
      ['NEW', 'mlx5_1', 2],
    ],
    ueids: ['PLEX', 'A'],
    isLimited: true,
  };
  const file = fileWith(t, COMMENTED);
  const merge = ['export', '--merge', '-f', file];
  const after = `# our hosts
version: 1 # the first

pnet:
  # the storage network
  net1:
    interfaces: [ens1f0, eth0] # both ports
    rdma_devices: [mlx5_0]
  NEW:
    rdma_devices:
    - name: mlx5_1
      port: 2

ueids:
- PLEX # of the whole site
- A
seid: true # on the mainframe
handshake_limit: true
sysctls:
  wmem: 256k # measured
  smcr_max_send_wr: 32
  rmem: 65536
namespaces:
  red: {handshake_limit: true}
`;
  const dry = await run([...merge, '--dry-run'], kernel(state), root);
  t.match(dry.stdout, `--- ${file}\n+++ ${file}\n@@ `);
  t.match(dry.stdout, '\n-- gone\n');
  t.equal(readFileSync(file, 'utf8'), COMMENTED, 'a dry run writes nothing');
  t.strictSame(await run(merge, kernel(state), root), { status: 0, stdout: '', stderr: '' });
  t.equal(readFileSync(file, 'utf8'), after);
  const { stdout } = await run(['diff', '--prune', '-f', file], kernel(state), root);
  t.equal(stdout, '', 'afterwards there is no difference');

  writeFileSync(file, COMMENTED);
  const { ino } = statSync(file);
  const same = {
    table: [
      ['NET1', 'ens1f0'],
      ['NET1', 'gone'],
      ['NET1', 'mlx5_0', 1],
      ['OLD', 'eth9'],
    ] as const,
    ueids: ['GONE', 'PLEX'],
  };
  const again = plant(t, server, SYSCTLS, { 'proc/sys/net/smc/rmem': '1048576\n' });
  t.equal((await run(merge, kernel(same), again)).status, 0);
  t.equal(readFileSync(file, 'utf8'), COMMENTED, 'what is in it in other words stays, byte for byte');
  t.equal(statSync(file).ino, ino, 'and the file is not written');
});

t.test('export --merge: which file', async (t) => {
  const root = plant(t, server, SYSCTLS);
  const directory = t.testdir({});
  const made = join(directory, 'etc/smc.yaml');
  t.equal((await run(['export', '--merge', '-f', made], kernel(FULL), root)).status, 0);
  t.equal(readFileSync(made, 'utf8'), (await run('export', kernel(FULL), root)).stdout, 'a new one');
  t.equal(statSync(made).mode & 0o777, 0o644);

  writeFileSync(join(directory, 'real'), 'version: 1\n', { mode: 0o600 });
  symlinkSync('real', join(directory, 'link'));
  t.equal((await run(['export', '--merge', '-f', join(directory, 'link')], kernel(FULL), root)).status, 0);
  const real = readFileSync(join(directory, 'real'), 'utf8');
  t.match(
    real,
    'handshake_limit: true\nsysctls:\n  wmem: 262144\n',
    'only what is not as at the start is added',
  );
  t.notMatch(real, 'rmem');
  t.equal(statSync(join(directory, 'real')).mode & 0o777, 0o600, 'behind a link, with its mode');

  const json = join(directory, 'json');
  writeFileSync(json, '{"version": 1, "ueids": ["A.B", "X"]}\n');
  await run(['export', '--merge', '-f', json], kernel({ ueids: ['A.B'] }), root);
  t.strictSame(JSON.parse(readFileSync(json, 'utf8')), {
    version: 1,
    ueids: ['A.B'],
    sysctls: { wmem: 262_144 },
  });

  const bad = join(directory, 'bad');
  writeFileSync(bad, 'version: 1\nseid: on\nueids: A\n');
  const fake = kernel(FULL);
  t.strictSame(await run(['export', '--merge', '-f', bad], fake, root), {
    status: 1,
    stdout: '',
    stderr: `smc_conf: ${bad}:2:7: seid must be true or false, not the text 'on'; write true\nsmc_conf: ${bad}:3:8: ueids must be a list, not the text 'A'; write [A]\n`,
  });
  t.strictSame(fake.log, [], 'mistakes are found before the kernel is asked');
  t.notOk(existsSync(join(directory, '.bad')));
});

t.test('diff', async (t) => {
  const root = plant(t, server, SYSCTLS);
  const file = fileWith(
    t,
    `version: 1
pnet:
  NET1: {interfaces: [ens1f0, eth7], rdma_devices: [mlx5_0]}
ueids: [PLEX, NEW]
seid: false
handshake_limit: false
sysctls: {wmem: 64k, smcr_max_send_wr: 32}
namespaces: {red: {handshake_limit: true}}
`,
  );
  const state: State = {
    table: [
      ['NET1', 'ens1f0'],
      ['NET2', 'mlx5_0', 1],
      ['NET2', 'eth1'],
    ],
    ueids: ['OLD', 'PLEX'],
    isLimited: true,
  };
  const lines = [
    'add UEID NEW',
    'add interface eth7 to PNET ID NET1',
    'delete PNET ID NET2: interface eth1, device mlx5_0 port 1',
    'add device mlx5_0 port 1 to PNET ID NET1',
    'add interface eth1 to PNET ID NET2 again',
    'disable the handshake limitation',
    'set wmem to 65536 (now 262144)',
  ];
  const kept = ['UEID OLD', 'interface eth1 in PNET ID NET2'];
  const obstacles = [
    'sysctl smcr_max_send_wr cannot be set: this kernel does not have it; it is available since Linux 6.19',
    'network namespace red cannot be set up: there is no network namespace of this name',
  ];
  t.strictSame(await run(['diff', '-f', file], kernel(state), root), {
    status: 2,
    stdout: [...lines, ...kept.map((one) => `keep ${one}`)].map((line) => `${line}\n`).join(''),
    stderr: obstacles.map((line) => `smc_conf: ${line}\n`).join(''),
  });
  const pruning = await run(['diff', '-f', file, '--prune'], kernel(state), root);
  t.match(pruning, { status: 2, stdout: /\nremove UEID OLD\n$/ });
  t.notMatch(pruning.stdout, 'keep');

  const json = await run(['diff', '-j', '-f', file], kernel(state), root);
  t.equal(json.status, 2);
  const document = JSON.parse(json.stdout);
  t.strictSame(
    document.changes.map(({ text }: { text: string }) => text),
    lines,
  );
  t.match(document, { file, is_different: true, kept: kept.map((text) => ({ text, namespace: null })) });
  t.strictSame(document.changes[2], {
    action: 'delete-pnet',
    text: lines[2],
    namespace: null,
    pnet_id: 'NET2',
    entries: [
      { interface: 'eth1', device: null, port: null },
      { interface: null, device: 'mlx5_0', port: 1 },
    ],
    ueid: null,
    name: null,
    from: null,
    to: null,
  });
  t.match(document.changes.slice(5), [
    { action: 'set-handshake-limit', from: true, to: false },
    { action: 'set-sysctl', name: 'wmem', from: '262144', to: '65536' },
  ]);
  t.strictSame(
    document.obstacles.map(({ namespace }: { namespace: string }) => namespace),
    [null, 'red'],
  );

  const same = fileWith(t, 'version: 1\nueids: [PLEX]\n');
  const terminal = { terminal: true };
  t.strictSame(await run(['diff', '-f', same], kernel({ ueids: ['PLEX'] }), root, terminal), {
    status: 0,
    stdout: '',
    stderr: 'smc_conf: there is nothing to do\n',
  });
  t.match(await run(['diff', '-f', same], kernel({ ueids: ['PLEX', 'X'] }), root, terminal), {
    status: 0,
    stdout: 'keep UEID X\n',
    stderr: 'smc_conf: what the file does not have is kept; --prune removes it\n',
  });
  t.match(await run(['diff', '-f', join(root, 'none')], kernel(), root), {
    status: 1,
    stdout: '',
    stderr: /^smc_conf: there is no file [^\n]*\n$/,
  });
});

t.test('check on a server', async (t) => {
  const root = plant(t, server, SYSCTLS, { 'proc/sys/net/core/netdev_max_backlog': '1000\n' });
  const file = fileWith(
    t,
    `version: 1
pnet:
  NET1:
    interfaces: [ens1f1, bond0.100, eth9]
    rdma_devices:
      - mlx5_0
      - {name: mlx5_0, port: 2}
      - mlx9
      - 0000:5e:00.1
    ism_devices: [loopback-ism]
ueids: [A, B, C, D, E]
seid: true
sysctls: {wmem: 65536, smcr_max_send_wr: 32}
services: {nosuch: {}}
namespaces: {nosuch: {}}
`,
  );
  const expected: [string, string, string | null][] = [
    ['4:37', 'there is no interface eth9; the entry takes effect when it appears', 'this host has '],
    ['7:9', 'device mlx5_0 has no port 2', null],
    ['8:9', 'there is no device mlx9; the entry takes effect when it appears', 'this host has '],
    [
      '10:19',
      'with a PNET ID the kernel does not use loopback-ism, unless an interface has the same in hardware',
      'leave it out',
    ],
    ['11:21', 'there is no room for UEID E', "the kernel's table has 4 entries"],
    ['12:1', 'this machine has no SEID that can be switched', 'only IBM Z has'],
    ['13:24', 'this kernel does not have sysctl smcr_max_send_wr', 'it is available since Linux 6.19'],
    ['14:12', 'there is no unit nosuch.service', null],
    ['15:14', 'there is no network namespace nosuch', 'ip netns lists '],
  ];
  const fake = kernel();
  const { status, stdout, stderr } = await run(['check', '-f', file], fake, root);
  t.strictSame([status, stderr], [0, ''], 'warnings are no failure');
  const found = stdout.trimEnd().split('\n');
  t.equal(found.length, expected.length, stdout);
  for (const [index, [place, text, hint]] of expected.entries())
    t.ok(
      found[index]?.startsWith(`${file}:${place}: warning: ${text}${hint === null ? '' : `; ${hint}`}`),
      found[index] ?? text,
    );
  t.strictSame(fake.log, [], 'the kernel is not asked');
  const json = JSON.parse((await run(['check', '-j', '-f', file], fake, root)).stdout);
  t.match(json, { file, is_valid: true, errors: [], warnings: [{ line: 4, column: 37 }] });
  t.equal(json.warnings.length, expected.length);
});

t.test('check: an interface on top of others', async (t) => {
  const check = async (releaseFiles: Files, interfaces: string): Promise<string> => {
    const root = plant(t, server, SYSCTLS, releaseFiles);
    const file = fileWith(t, `version: 1\npnet: {NET1: {interfaces: [${interfaces}]}}\n`);
    return (await run(['check', '-f', file], kernel(), root)).stdout.replace(/^.*warning: /, '');
  };
  const old = { 'proc/sys/kernel/osrelease': '6.12.20\n' };
  const version = (release: string): Files => ({
    'proc/sys/kernel/osrelease': `${release}\n`,
    'proc/version': `Linux version ${release} (a@b) #1 SMP\n`,
  });
  t.equal(
    await check({ ...old, ...version('6.12.20') }, 'bond0.100'),
    'this kernel looks at ens1f1 only, the lowest interface below bond0.100; give the PNET ID to ens1f1\n',
  );
  t.equal(
    await check(version('6.15.0'), 'bond0.100'),
    'SMC-D looks at ens1f1 only, the lowest interface below bond0.100; SMC-R looks at bond0.100 if ens1f1 has no PNET ID; give the PNET ID to ens1f1\n',
  );
  t.equal(await check(version('6.12.20'), 'bond0.100, ens1f1'), '', 'the lowest one has it, too');
});

t.test('check on a mainframe', async (t) => {
  const root = plant(t, mainframe, SYSCTLS, { 'proc/sys/net/core/netdev_max_backlog': '1000\n' });
  const file = fileWith(
    t,
    'version: 1\npnet: {NET9: {interfaces: [enc1000], ism_devices: ["0000:00:00.0"]}}\nueids: []\nseid: false\n',
  );
  const { stdout } = await run(['check', '-f', file], kernel(), root);
  t.strictSame(stdout.replaceAll(file, 'f').trimEnd().split('\n'), [
    'f:2:28: warning: interface enc1000 has PNET ID NET1 in hardware, which counts; leave it out',
    'f:2:52: warning: device 0000:00:00.0 has PNET ID NET1 in hardware, which counts; leave it out',
    'f:4:1: warning: the SEID stays enabled as long as there is no UEID; add one to ueids',
  ]);
});

t.test('check: in another namespace, without SMC, and mistakes', async (t) => {
  const file = fileWith(t, 'version: 1\npnet: {NET1: {rdma_devices: [mlx5_0]}}\n');
  const elsewhere = plant(t, server, SYSCTLS, { 'proc/sys/net/core/somaxconn': '4096\n' });
  t.equal(
    (await run(['check', '-f', file], kernel(), elsewhere)).stdout,
    `${file}:2:30: warning: device mlx5_0 port 1 cannot be set in this network namespace; RDMA and ISM devices belong in the table of the initial network namespace\n`,
  );
  const none = plant(t, server, {
    'proc/sys/kernel/osrelease': '6.1.0-test\n',
    'lib/modules/6.1.0-test/modules.dep': 'kernel/net/tls/tls.ko:\n',
    'lib/modules/6.1.0-test/modules.builtin': '',
  });
  const { stdout } = await run(['check', '-f', file], kernel(), none);
  t.match(stdout, `${file}: warning: this kernel has no SMC: nothing of the file has an effect; `);
  const bad = fileWith(t, 'version: 1\nseid: on\nnope: 1\n');
  const paint = await run(['check', '-f', bad, '--color=always'], kernel(), elsewhere);
  t.equal(paint.status, 1);
  t.match(paint.stdout, '\x1b');
  t.strictSame((await run(['check', '-f', bad], kernel(), elsewhere)).stdout.split('\n').length, 3);
  const json = JSON.parse((await run(['check', '-j', '-f', bad], kernel(), elsewhere)).stdout);
  t.match(json, {
    is_valid: false,
    errors: [
      { line: 2, column: 7, text: "seid must be true or false, not the text 'on'", hint: 'write true' },
      { line: 3, column: 1 },
    ],
    warnings: [],
  });
  const right = fileWith(t, 'version: 1\n');
  t.strictSame(await run(['check', '-f', right], kernel(), elsewhere, { terminal: true }), {
    status: 0,
    stdout: '',
    stderr: `smc_conf: ${right} is right\n`,
  });
});
