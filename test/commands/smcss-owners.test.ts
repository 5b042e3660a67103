// SPDX-License-Identifier: MIT
// smcss -p, and filters by owner: what is printed of a made-up /proc.
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { smcss } from '../../src/commands/smcss/command.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { type Outcome, type RunOptions, runCommand } from '../helpers/run-command.ts';
import { ACTIVE, CLOSED, listener, SMCD, socket, TCP } from '../helpers/smc-sockets.ts';

const ID = '4f0c2d1a9b3c4f0c2d1a9b3c4f0c2d1a9b3c4f0c2d1a9b3c4f0c2d1a9b3c0123';

const PROCESSES: Record<number, { comm: string; cgroup: string; fds: Record<number, number> }> = {
  // a fork server: parent and workers share the listener, and each worker has a connection
  100: { comm: 'server', cgroup: '0::/system.slice/server.service', fds: { 3: 11 } },
  101: { comm: 'server', cgroup: '0::/system.slice/server.service', fds: { 3: 11, 4: 12 } },
  102: { comm: 'server', cgroup: '0::/system.slice/server.service', fds: { 3: 11, 4: 13, 5: 13 } },
  200: { comm: 'web app', cgroup: `0::/system.slice/docker-${ID}.scope`, fds: { 7: 14 } },
  300: { comm: 'a"b\x1b[31m\\', cgroup: '0::/lxc.payload.a b', fds: { 9: 15 } },
};

/** A host with these processes, and these sockets. */
function host(t: Test, processes = PROCESSES): string {
  const protocols = 'protocol  size sockets\nSMC  1 9\nSMC6 1 0\n';
  const root = t.testdir({ proc: { net: { protocols } } });
  for (const [pid, { comm, cgroup, fds }] of Object.entries(processes)) {
    const directory = join(root, 'proc', pid);
    mkdirSync(join(directory, 'fd'), { recursive: true });
    writeFileSync(join(directory, 'comm'), `${comm}\n`);
    writeFileSync(join(directory, 'cgroup'), `${cgroup}\n`);
    for (const [fd, inode] of Object.entries(fds))
      symlinkSync(`socket:[${inode}]`, join(directory, 'fd', fd));
  }
  return root;
}

const SOCKETS = [
  listener({ inode: 11n }),
  socket({ inode: 12n }),
  socket({ inode: 13n, mode: SMCD }),
  socket({
    inode: 14n,
    mode: TCP,
    attributes: { fallback: { reason: 0x05000000, peerDiagnosis: 0x03030000 } },
  }),
  socket({ inode: 15n }),
  socket({ inode: 0n }),
  socket({ inode: 0n, state: CLOSED }),
];

async function run(
  t: Test,
  argv: string,
  { sockets = SOCKETS, hostRoot = host(t), ...options }: RunOptions & { sockets?: object[] } = {},
): Promise<Outcome> {
  const kernel = new FakeKernel();
  kernel.sockets = () => sockets;
  return runCommand(smcss, argv, { transport: kernel, hostRoot, ...options });
}

t.test('text', async (t) => {
  const { stdout, stderr, status } = await run(t, '-ap');
  t.equal(stderr, '');
  t.equal(status, 0);
  const lines = stdout.split('\n');
  const [header = ''] = lines;
  t.equal(
    header,
    'State          UID   Inode   Local Address           Peer Address            Intf Mode Reason                Owner',
  );
  const at = header.indexOf('Owner');
  const owners = lines.slice(1, -1).map((line) => line.slice(at));
  t.strictSame(owners, [
    'users:(("server",pid=100,fd=3),("server",pid=101,fd=3),("server",pid=102,fd=3)) unit:server.service',
    'users:(("server",pid=101,fd=4)) unit:server.service',
    'users:(("server",pid=102,fd=4),("server",pid=102,fd=5)) unit:server.service',
    `users:(("web app",pid=200,fd=7)) unit:docker-${ID}.scope container:docker/4f0c2d1a9b3c`,
    'users:(("a\\x22b\\x1b[31m\\x5c",pid=300,fd=9)) container:lxc/a\\x20b',
    'not accepted',
    'closed',
  ]);
  t.equal(lines[1]!.slice(0, at), 'LISTEN         00000 0000011 0.0.0.0:5201'.padEnd(at));
  t.match(lines[4], / TCP {2}0x05000000\/0x03030000 users:/);
  const blanks = (text: string): string => text.trimEnd().replace(/ +/g, ' ');
  const without = (await run(t, '-a')).stdout.split('\n');
  lines.slice(1).forEach((line, row) => {
    if (row < SOCKETS.length)
      t.equal(blanks(line.slice(0, at)), blanks(without[row + 1]!), 'the rest is the same');
  });
  for (const argv of ['-apd', '-pR', '-pD', '-pdR', '-lp', '-HpW']) {
    const rows = (await run(t, argv)).stdout.split('\n').slice(0, -1);
    const start = argv.includes('H') ? undefined : rows.shift()!.indexOf('Owner');
    t.ok(rows.length > 0);
    for (const row of rows)
      t.match(start === undefined ? row : row.slice(start), /(?:^| )(users:\(|not accepted|closed$)/, argv);
  }
});

t.test('JSON', async (t) => {
  const { stdout } = await run(t, '-apj');
  const { sockets } = JSON.parse(stdout) as { sockets: { ownership: string; owners: object[] }[] };
  t.strictSame(
    sockets.map(({ ownership }) => ownership),
    ['held', 'held', 'held', 'held', 'held', 'not accepted', 'closed'],
  );
  const [, , , web, hostile, waiting] = sockets;
  t.strictSame(web!.owners, [
    {
      command: 'web app',
      pid: 200,
      fd: 7,
      unit: `docker-${ID}.scope`,
      container: { runtime: 'docker', id: ID },
    },
  ]);
  t.match(hostile!.owners, [
    { command: 'a"b\x1b[31m\\', unit: null, container: { runtime: 'lxc', id: 'a b' } },
  ]);
  t.strictSame(waiting!.owners, []);
  t.notMatch((await run(t, '-aj')).stdout, 'owner', 'not without the option');
});

t.test('filters by owner, with -p and without', async (t) => {
  const inodes = async (argv: string): Promise<number[]> =>
    JSON.parse((await run(t, `-aj ${argv}`)).stdout).sockets.map(({ inode }: { inode: number }) => inode);
  for (const p of ['', '-p ']) {
    t.strictSame(await inodes(`${p}pid 101`), [11, 12]);
    t.strictSame(await inodes(`${p}pid > 101 and pid <= 200`), [11, 13, 14]);
    t.strictSame(await inodes(`${p}comm server and not state listening`), [12, 13]);
    t.strictSame(await inodes(`${p}comm "web app"`), [14]);
    t.strictSame(await inodes(`${p}unit server`), [11, 12, 13]);
    t.strictSame(await inodes(`${p}unit server.service pid 102`), [11, 13]);
    t.strictSame(await inodes(`${p}unit != server.service`), [14, 15, 0, 0]);
  }
  t.notMatch((await run(t, '-j pid 101')).stdout, 'owner', 'a filter adds no fields');
});

t.test('the kernel cuts names of commands', async (t) => {
  const hostRoot = host(t, { 1: { comm: 'a-very-long-com', cgroup: '', fds: { 3: 12 } } });
  const { stdout } = await run(t, '-H comm a-very-long-command', {
    sockets: [socket({ inode: 12n })],
    hostRoot,
  });
  t.equal(stdout.split('\n').length, 2);
});

t.test('owners that are not found', async (t) => {
  const sockets = [socket({ inode: 77n }), socket({ inode: 12n }), socket({ inode: 78n, state: ACTIVE })];
  const { stdout, stderr, status } = await run(t, '-p', { sockets });
  t.equal(status, 0);
  t.strictSame(
    stdout.split('\n').flatMap((line) => /\S+$/.exec(line)?.[0] ?? []),
    ['Owner', 'unknown', 'unit:server.service', 'unknown'],
  );
  t.equal(
    stderr,
    'smcss: the owners of 2 sockets are unknown: their processes ended or began meanwhile, or are not visible from here\n',
  );
  const json = JSON.parse((await run(t, '-pj', { sockets })).stdout);
  t.match(json.sockets[0], { ownership: 'unknown', owners: [] });
  const nobody = await run(t, 'pid 1', { sockets, hostRoot: host(t, {}) });
  t.match(nobody.stderr, /unknown: there are no processes in \/proc/, 'a filter cannot know either');
});

t.test('a bundle without processes', async (t) => {
  const bundle = fileURLToPath(new URL('../fixtures/6.12-smcr', import.meta.url));
  const { status, stderr } = await runCommand(smcss, ['-p', '--from', bundle]);
  t.equal(status, 0);
  t.match(
    stderr,
    /^smcss: the owners of \d+ sockets are unknown: the bundle does not have their processes; smc_dbg /,
  );
});

t.test('all namespaces, where there is one', async (t) => {
  const hostRoot = host(t);
  const namespace = join(hostRoot, 'namespace');
  writeFileSync(namespace, '');
  for (const process of ['self', '100', '200']) {
    mkdirSync(join(hostRoot, `proc/${process}/ns`), { recursive: true });
    symlinkSync(namespace, join(hostRoot, `proc/${process}/ns/net`));
  }
  mkdirSync(join(hostRoot, 'run/netns'), { recursive: true });
  symlinkSync(namespace, join(hostRoot, 'run/netns/a b'));
  const { stdout, stderr, status } = await run(t, '-apA', { hostRoot });
  t.equal(stderr, '');
  t.equal(status, 0);
  const [header = '', ...lines] = stdout.split('\n').slice(0, -1);
  t.match(header, / Mode Reason {16}Netns {15}Owner$/);
  const [netns, owner] = [header.indexOf('Netns'), header.indexOf('Owner')];
  t.equal(lines.length, SOCKETS.length);
  for (const line of lines) {
    t.equal(line.slice(netns, owner), 'a\\x20b'.padEnd(owner - netns));
    t.match(line.slice(owner), /^users:|^not accepted$|^closed$/);
  }
  const json = JSON.parse((await run(t, '-jA netns "a b"', { hostRoot })).stdout);
  t.match(json.sockets[0].netns, { name: 'a b', container: null, inode: statSync(namespace).ino });
  t.equal((await run(t, '-HA netns other', { hostRoot })).stdout, '');
  t.equal(
    (await run(t, `-HA netns ${statSync(namespace).ino} pid 200`, { hostRoot })).stdout.split('\n').length,
    2,
  );
  const groups = JSON.parse((await run(t, '-jA --group-by netns', { hostRoot })).stdout);
  t.match(groups.groups, [{ group: 'a b', connections: 6 }]);
});

t.test('all namespaces: what does not go together', async (t) => {
  for (const [argv, message] of [
    ['-A -N x', '--all-netns and --netns exclude each other'],
    ['-A --from x', '--all-netns and --from exclude each other: a recording has one network namespace'],
    ['netns x', 'a filter with netns requires --all-netns'],
    ['--group-by netns', '--group-by=netns requires --all-netns'],
  ] as const)
    t.match(await run(t, argv), { status: 1, stdout: '', stderr: `smcss: ${message};` }, argv);
});
