// SPDX-License-Identifier: MIT
// What smc_dbg copies of /proc so that smcss -p knows the owners from a bundle, and what --redact makes of it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { smcDbg } from '../../src/commands/smc_dbg/command.ts';
import { smcss } from '../../src/commands/smcss/command.ts';
import { descriptorLine, SocketOwners } from '../../src/host/socket-owners.ts';
import { copyOwners } from '../../src/recording/owners.ts';
import { filesBelow } from '../helpers/files-below.ts';
import { inspectedKernel } from '../helpers/inspected-kernel.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { runCommand } from '../helpers/run-command.ts';
import { listener, socket } from '../helpers/smc-sockets.ts';

const ID = '4f0c2d1a9b3c'.padEnd(64, '7');

const PROCESSES: Record<number, { comm: string; cgroup: string; fds: Record<number, string> }> = {
  100: { comm: 'nginx', cgroup: '0::/system.slice/nginx.service', fds: { 3: 'socket:[11]', 0: '/dev/null' } },
  101: {
    comm: 'nginx',
    cgroup: '0::/system.slice/nginx.service',
    fds: { 3: 'socket:[11]', 4: 'socket:[12]' },
  },
  200: { comm: 'java', cgroup: `0::/system.slice/docker-${ID}.scope`, fds: { 7: 'socket:[13]' } },
  300: { comm: 'a\nb', cgroup: '0::/system.slice/acme.service', fds: { 9: 'socket:[14]' } },
  400: { comm: 'sshd', cgroup: '0::/system.slice/ssh.service', fds: { 3: 'socket:[99]' } },
};

function host(t: Test): string {
  const root = ownDirectory(t);
  mkdirSync(join(root, 'proc/net'), { recursive: true });
  writeFileSync(join(root, 'proc/net/protocols'), 'protocol size sockets\nSMC 1 9\n');
  for (const [pid, { comm, cgroup, fds }] of Object.entries(PROCESSES)) {
    const directory = join(root, 'proc', pid);
    mkdirSync(join(directory, 'fd'), { recursive: true });
    writeFileSync(join(directory, 'comm'), `${comm}\n`);
    writeFileSync(join(directory, 'cgroup'), `${cgroup}\n`);
    for (const [fd, target] of Object.entries(fds)) symlinkSync(target, join(directory, 'fd', fd));
  }
  return root;
}

t.test('a bundle shows whose the sockets are', async (t) => {
  const transport = inspectedKernel();
  const sockets = [
    listener({ inode: 11n }),
    socket({ inode: 12n }),
    socket({ inode: 13n }),
    socket({ inode: 14n }),
    socket({ inode: 0n }),
  ];
  transport.sockets = () => sockets;
  const world = { hostRoot: host(t), transport };
  const bundle = async (...options: string[]): Promise<string> => {
    const file = join(ownDirectory(t), 'out.tgz');
    t.equal((await runCommand(smcDbg, ['-o', file, ...options], world)).status, 0);
    return file;
  };
  const plain = await bundle();
  for (const argv of [
    '-apj',
    '-ap',
    '-j comm nginx',
    '-a pid > 100',
    '-aH unit nginx',
    '-s',
    '--group-by=unit',
  ]) {
    const there = await runCommand(smcss, argv, world);
    t.equal(there.stderr, '', argv);
    t.strictSame(await runCommand(smcss, `${argv} --from ${plain}`), there, argv);
  }
  // redacted at once, and later
  const later = join(ownDirectory(t), 'later.tgz');
  t.equal((await runCommand(smcDbg, ['-o', later, '--redact', '--from', plain])).status, 0);
  for (const file of [await bundle('--redact'), later]) {
    const { stdout } = await runCommand(smcss, `-apH --from ${file}`);
    t.strictSame(
      stdout.split('\n').flatMap((line) => /(?:users:|not accepted).*/.exec(line)?.[0] ?? []),
      [
        'users:(("nginx",pid=100,fd=3),("nginx",pid=101,fd=3)) unit:nginx.service',
        'users:(("nginx",pid=101,fd=4)) unit:nginx.service',
        `users:(("java",pid=200,fd=7)) unit:docker-${'feed00000001'.padEnd(64, '0')}.scope container:docker/feed00000001`,
        'users:(("a\\x0ab",pid=300,fd=9)) unit:unit1.service',
        'not accepted',
      ],
    );
    const directory = ownDirectory(t);
    execFileSync('tar', ['xf', file, '-C', directory, '--strip-components=1']);
    for (const path of filesBelow(directory))
      t.notMatch(readFileSync(path, 'latin1'), /acme|4f0c2d1a|system\.slice/, path);
    t.strictSame(readdirSync(join(directory, 'host/proc/101')), ['cgroup', 'comm', 'fd']);
    t.equal(
      readFileSync(join(directory, 'host/proc/101/fd'), 'utf8'),
      '3 -> socket:[11]\n4 -> socket:[12]\n',
    );
    t.notOk(readdirSync(join(directory, 'host/proc')).includes('400'), 'it has no SMC socket');
  }
});

t.test('what is missing', async (t) => {
  const written: string[] = [];
  const write = (file: string): void => void written.push(file);
  const nowhere = join(ownDirectory(t), 'nowhere');
  t.strictSame(copyOwners(nowhere, [1], write), [{ what: 'owners of sockets', reason: 'ENOENT' }]);
  const root = ownDirectory(t);
  for (let pid = 1; pid <= 5; pid++) {
    mkdirSync(join(root, `proc/${pid}`), { recursive: true });
    writeFileSync(join(root, `proc/${pid}/fd`), descriptorLine(3, 7));
  }
  t.strictSame(copyOwners(root, [0, 7, 8], write, 3), [
    { what: '2 descriptors of sockets', reason: 'more than 3 processes' },
  ]);
  t.equal(written.length, 3, 'no command, no control group');
});

t.test('a bundle from anybody', async (t) => {
  const root = t.testdir({
    proc: {
      1: {
        fd: '3 -> socket:[7]\nx\n4 -> socket:[-1]\n-5 -> socket:[7]\n6 -> socket:[7] \n\0\n8 -> socket:[7]',
      },
      2: { fd: '' },
    },
  });
  const holders = new SocketOwners(root).holdersOf(7);
  t.strictSame(
    holders.map(({ pid, fd }) => [pid, fd]),
    [
      [1, 3],
      [1, 8],
    ],
  );
});
