// SPDX-License-Identifier: MIT
// smcss --summary and --group-by.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { smcss } from '../../src/commands/smcss/command.ts';
import type { SeenSocket } from '../../src/smc/seen-socket.ts';
import { addToGroups, SocketGroups } from '../../src/smc/socket-summary.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { type Outcome, runCommand } from '../helpers/run-command.ts';
import { INIT, listener, SMCD, SMCR, socket, TCP } from '../helpers/smc-sockets.ts';

const PEERDECL = 0x05000000;
const NOSMCDEV = 0x03030000;
const NOUEID = 0x03030008;
const PEERNOSMC = 0x03010000;

const fell = (reason: number, peerDiagnosis = 0, rest: object = {}): object =>
  socket({ mode: TCP, attributes: { fallback: { reason, peerDiagnosis } }, ...rest });

const SOCKETS = [
  listener({ from: '0.0.0.0:443', inode: 11n }),
  socket({ state: INIT, inode: 12n }),
  socket({ mode: SMCR, from: '10.0.0.1:443', to: '10.0.0.2:40000', inode: 13n }),
  socket({ mode: SMCR, from: '10.0.0.1:443', to: '10.0.0.2:40001', inode: 14n }),
  socket({ mode: SMCD, from: '10.0.0.1:40002', to: '10.0.0.1:5201', inode: 15n }),
  fell(PEERNOSMC, 0, { from: '10.0.0.1:443', to: '10.0.0.3:40003', inode: 14n }),
  fell(PEERDECL, NOUEID, { from: '10.0.0.1:40004', to: '10.0.0.3:80', inode: 16n }),
  fell(NOUEID, 0, { state: 22, from: '10.0.0.1:443', to: '10.0.0.3:40005', inode: 0n }),
  fell(NOSMCDEV, 0, { from: '10.0.0.1:40006', to: '10.0.0.4:80', inode: 15n }),
];

async function run(t: Test, argv: string, sockets: object[] = SOCKETS): Promise<Outcome> {
  const kernel = new FakeKernel();
  kernel.sockets = () => sockets;
  const hostRoot = t.testdir({
    proc: { net: { protocols: 'protocol  size sockets\nSMC  1 9\nSMC6 1 0\n' } },
  });
  for (const [pid, comm, inodes] of [
    [100, 'server', [11, 13, 14]],
    [101, 'server', [11, 14]],
    [200, 'client', [15]],
  ] as const) {
    mkdirSync(join(hostRoot, `proc/${pid}/fd`), { recursive: true });
    writeFileSync(join(hostRoot, `proc/${pid}/comm`), `${comm}\n`);
    writeFileSync(join(hostRoot, `proc/${pid}/cgroup`), `0::/system.slice/${comm}.service\n`);
    for (const inode of inodes) symlinkSync(`socket:[${inode}]`, join(hostRoot, `proc/${pid}/fd/${inode}`));
  }
  return runCommand(smcss, argv, { transport: kernel, hostRoot });
}

const UNKNOWN =
  'smcss: the owners of 2 sockets are unknown: their processes ended or began meanwhile, or are not visible from here\n';

t.test('summary', async (t) => {
  const { status, stdout, stderr } = await run(t, '-s');
  t.equal(stderr, UNKNOWN);
  t.equal(status, 0);
  t.equal(
    stdout,
    `Connections: 7, over SMC: 3 (42.9%), fallbacks: 4

State              SMC-R   SMC-D     TCP    none   total
ACTIVE                 2       1       3       0       6
INIT                   0       0       0       1       1
LISTEN                 0       0       0       1       1
APPCLOSEWAIT1          0       0       1       0       1
total                  2       1       4       2       9

Fallbacks             Client  Server  By peer  Reason
0x03030008 NOUEID          1       1        1  the client offered no enterprise ID
0x03010000 PEERNOSMC       0       1        0  the peer did not offer SMC
0x03030000 NOSMCDEV        1       0        0  no SMC-R or SMC-D device fits the connection

Peers with most connections  and most fallbacks
     3  10.0.0.3                  3  10.0.0.3
     2  10.0.0.2                  1  10.0.0.4
     1  10.0.0.1
     1  10.0.0.4

Ports with most connections  and most fallbacks
     4  443                       2  80
     2  80                        2  443
     1  5201

Commands with most connections  and most fallbacks
     3  server                       2  -
     2  client                       1  client
     2  -                            1  server
`,
  );
});

t.test('summary as JSON', async (t) => {
  const summary = JSON.parse((await run(t, '--summary -j')).stdout);
  t.match(summary, { sockets: 9, connections: 7, smcr: 2, smcd: 1, tcp: 4, complete: true });
  t.match(summary.states[0], { state: 'ACTIVE', smcr: 2, smcd: 1, tcp: 3, none: 0, total: 6 });
  t.match(summary.fallbacks[0], { reason: { name: 'NOUEID' }, client: 1, server: 1, declined_by_peer: 1 });
  t.strictSame(summary.ports.most_connections[0], { group: '443', connections: 4, smcr: 2, smcd: 0, tcp: 2 });
  t.equal(summary.commands.most_fallbacks[0].group, null);
});

t.test('options and filters narrow a summary', async (t) => {
  const connections = async (argv: string): Promise<number> =>
    JSON.parse((await run(t, `-sj ${argv}`)).stdout).connections;
  t.equal(await connections('-D'), 1);
  t.equal(await connections('-R'), 2);
  t.equal(await connections('-a sport = :443'), 4);
  t.equal(await connections('mode tcp and side client'), 2);
  t.equal(await connections('state listening'), 0);
  const empty = await run(t, '-s', []);
  t.equal(
    empty.stdout,
    `Connections: 0, over SMC: 0, fallbacks: 0

State              SMC-R   SMC-D     TCP    none   total
total                  0       0       0       0       0
`,
  );
});

t.test('groups', async (t) => {
  const table = async (argv: string): Promise<string[]> =>
    (await run(t, argv)).stdout.split('\n').slice(0, -1);
  t.strictSame(await table('--group-by=port'), [
    'Connections   SMC-R   SMC-D     TCP  Port',
    '          4       2       0       2  443',
    '          2       0       0       2  80',
    '          1       0       1       0  5201',
  ]);
  const names = async (argv: string): Promise<string[]> =>
    (await table(`-H ${argv}`)).map((line) => line.replace(/^ *(\d+) +\d+ +\d+ +\d+ +/, '$1 '));
  t.strictSame(await names('--group-by peer'), ['3 10.0.0.3', '2 10.0.0.2', '1 10.0.0.1', '1 10.0.0.4']);
  t.strictSame(await names('--group-by peer mode tcp'), ['3 10.0.0.3', '1 10.0.0.4']);
  t.strictSame(
    await names('--group-by comm'),
    ['3 server', '2 client', '2 -'],
    'a shared socket counts once',
  );
  t.strictSame(await names('--group-by unit'), ['3 server.service', '2 client.service', '2 -']);
  t.strictSame(await names('--group-by reason'), [
    '3 -',
    '2 0x03030008 NOUEID',
    '1 0x03010000 PEERNOSMC',
    '1 0x03030000 NOSMCDEV',
  ]);
  t.strictSame(JSON.parse((await run(t, '-j --group-by reason mode tcp')).stdout), {
    group_by: 'reason',
    groups: [
      { group: '0x03030008', connections: 2, smcr: 0, smcd: 0, tcp: 2 },
      { group: '0x03010000', connections: 1, smcr: 0, smcd: 0, tcp: 1 },
      { group: '0x03030000', connections: 1, smcr: 0, smcd: 0, tcp: 1 },
    ],
    uncounted: 0,
    complete: true,
  });
});

t.test('groups have a limit', async (t) => {
  const groups = new SocketGroups(2);
  for (const address of ['a', 'b', 'c', 'a', 'd'])
    addToGroups(groups, 'peer', {
      state: 1,
      mode: 0,
      attributes: {},
      peer: { address, port: 1 },
    } as SeenSocket);
  t.strictSame(
    groups.ranking().map(({ key, connections }) => [key, connections]),
    [
      ['a', 2],
      ['b', 1],
    ],
  );
  t.equal(groups.uncounted, 2);
});

t.test('link groups', async (t) => {
  const groups = new SocketGroups();
  const dmb = { linkId: 0x100 };
  for (const one of [
    { mode: 2, attributes: { dmb } },
    { mode: 0, smcrLinkGroup: 0x200, attributes: {} },
    { mode: 0, attributes: {} },
  ])
    addToGroups(groups, 'lgr', { state: 1, ...one } as unknown as SeenSocket);
  t.strictSame(
    groups.ranking().map(({ key }) => key),
    [0x100, 0x200, undefined],
  );
});

t.test('options that do not go together', async (t) => {
  for (const [argv, message] of [
    ['-s --group-by peer', '--summary and --group-by exclude each other'],
    ['-sH', '--summary and --no-header exclude each other'],
    ['-sl', '--summary and --listening exclude each other'],
    ['-sp', '--summary and --processes exclude each other'],
    ['--group-by peer -d', '--group-by and --debug exclude each other'],
    ['--group-by nothing', "--group-by 'nothing': must be peer, port, comm, unit, reason, lgr or netns"],
  ] as const)
    t.match(await run(t, argv), { status: 1, stdout: '', stderr: `smcss: ${message}; smcss --help` }, argv);
});
