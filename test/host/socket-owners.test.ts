// SPDX-License-Identifier: MIT
// The holders of sockets, from a made-up /proc and from that of this process.
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SocketOwners } from '../../src/host/socket-owners.ts';
import { ownershipOf, whyUnknown } from '../../src/smc/socket-ownership.ts';
import type { SmcSocket } from '../../src/smc/sockets.ts';

interface MadeUpProcess {
  fds: Record<number, string>;
  comm?: string;
  cgroup?: string;
}

function made(t: Test, processes: Record<number, MadeUpProcess>): string {
  const root = t.testdir({ proc: { net: {}, '1x': { fd: {} }, uptime: '' } });
  for (const [pid, { fds, comm, cgroup }] of Object.entries(processes)) {
    const directory = join(root, 'proc', pid);
    mkdirSync(join(directory, 'fd'), { recursive: true });
    for (const [fd, target] of Object.entries(fds)) symlinkSync(target, join(directory, 'fd', fd));
    if (comm !== undefined) writeFileSync(join(directory, 'comm'), comm);
    if (cgroup !== undefined) writeFileSync(join(directory, 'cgroup'), cgroup);
  }
  return root;
}

const nginx = { comm: 'nginx\n', cgroup: '0::/system.slice/nginx.service\n' };
const NOWHERE = { unit: undefined, container: undefined };

t.test('holders of a socket', async (t) => {
  const root = made(t, {
    20: { ...nginx, fds: { 6: 'socket:[7]', 0: '/dev/null', 10: 'socket:[8]' } },
    3: { ...nginx, fds: { 6: 'socket:[7]', 5: 'socket:[7]', 1: 'pipe:[7]' } },
    4: { fds: { 3: 'socket:[9]' }, comm: 'a\nb "c"\n' },
    5: { fds: { 3: 'socket:[10]' } },
  });
  const owners = new SocketOwners(root);
  const unit = 'nginx.service';
  const holder = { command: 'nginx', unit, container: undefined };
  t.strictSame(owners.holdersOf(7n), [
    { ...holder, pid: 3, fd: 5 },
    { ...holder, pid: 3, fd: 6 },
    { ...holder, pid: 20, fd: 6 },
  ]);
  t.strictSame(owners.holdersOf(8), [{ ...holder, pid: 20, fd: 10 }]);
  t.strictSame(owners.holdersOf(9), [{ command: 'a\nb "c"', pid: 4, fd: 3, ...NOWHERE }]);
  t.strictSame(owners.holdersOf(10), [{ command: undefined, pid: 5, fd: 3, ...NOWHERE }], 'it has ended');
  t.strictSame(owners.holdersOf(11), []);
  t.strictSame(owners.holdersOf(0), []);
  t.equal(owners.processes, 4);
  t.equal(owners.unreadable, 0);
});

t.test('names that no /proc has', async (t) => {
  const root = made(t, { 3: { fds: { 5: 'socket:[7]' } } });
  for (const pid of ['3', '99999999999999999999']) {
    mkdirSync(join(root, `proc/${pid}/fd`), { recursive: true });
    symlinkSync('socket:[7]', join(root, `proc/${pid}/fd/x`));
  }
  symlinkSync('socket:[x]', join(root, 'proc/3/fd/6'));
  const owners = new SocketOwners(root);
  t.match(owners.holdersOf(7), [{ pid: 3, fd: 5 }]);
  t.equal(owners.holdersOf(7).length, 1);
  t.equal(owners.processes, 1);
});

t.test('this process', async (t) => {
  const server = createServer().listen(0);
  t.teardown(() => server.close());
  const own = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
      return inode === undefined ? [] : [{ fd: Number(fd), inode: BigInt(inode) }];
    } catch {
      return [];
    }
  });
  t.ok(own.length > 0);
  const owners = new SocketOwners('/');
  for (const { fd, inode } of own)
    t.ok(
      owners.holdersOf(inode).some((holder) => holder.pid === process.pid && holder.fd === fd),
      `descriptor ${fd}`,
    );
});

t.test('whose a socket is', async (t) => {
  const owners = new SocketOwners(made(t, { 3: { ...nginx, fds: { 6: 'socket:[7]' } } }));
  const state = (number: number, inode: bigint): string =>
    ownershipOf({ state: number, inode } as SmcSocket, owners).state;
  t.equal(state(1, 7n), 'held');
  t.equal(state(1, 8n), 'unknown');
  t.equal(state(1, 0n), 'not accepted');
  t.equal(state(2, 0n), 'not accepted', 'the handshake is going on');
  t.equal(state(22, 0n), 'not accepted', 'the peer has closed already');
  for (const closed of [7, 20, 21, 25, 26]) t.equal(state(closed, 0n), 'closed', String(closed));
  t.equal(state(20, 7n), 'held', 'sending is shut down');
});

t.test('why owners are unknown', async (t) => {
  t.match(whyUnknown({ processes: 0, unreadable: 0 }), { why: 'there are no processes in /proc' });
  t.match(whyUnknown({ processes: 3, unreadable: 0 }), { why: /ended or began/ });
  t.strictSame(whyUnknown({ processes: 3, unreadable: 2 }), {
    why: '2 processes of other users may not be read',
    hint: 'run it as root',
  });
  t.throws(() => new SocketOwners(join(t.testdirName, 'nowhere')), { code: 'ENOENT' });
});
