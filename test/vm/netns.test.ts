// SPDX-License-Identifier: MIT
// --netns: netlink, /proc and /sys are those of the named namespace and of no other; for root and nobody, by name and by process.
import t from 'tap';
import { bootWithSuite } from './suite.ts';

const guest = await bootWithSuite({ kernel: '6.12' });
t.teardown(() => guest.close());

await guest.run(
  `ip netns add blue
ip -n blue link add dummy0 type dummy
ip netns exec blue sysctl -qw net.smc.wmem=131072
touch /run/netns/file`,
  { check: true },
);
const WMEM = 'smcd -j sysctl show wmem';
const wmem = async (options: string): Promise<number> => {
  const { stdout } = await guest.run(`${WMEM} ${options}`, { check: true });
  return JSON.parse(stdout).sysctls[0].value;
};

t.test('reads there', async (t) => {
  t.equal(await wmem('-N blue'), 131_072, '/proc/sys by name');
  t.equal(await wmem(''), 65_536);
  t.strictSame(await guest.run('smc_pnet -N blue -a NET1 -I dummy0'), { status: 0, stdout: '', stderr: '' });
  t.equal((await guest.run('smc_pnet')).stdout, '', 'netlink: not here');
  t.equal((await guest.run('smc_pnet --netns=blue')).stdout, 'NET1 dummy0 n/a 255\n', 'but there');
  t.strictSame(
    await guest.run(
      'ip netns exec blue sleep infinity & wait_for "ip netns identify $!" blue; smc_pnet -N $!; kill $!',
    ),
    { status: 0, stdout: 'NET1 dummy0 n/a 255\n', stderr: '' },
    'by a process in it',
  );
  t.strictSame(
    await guest.run('smc_pnet -N blue -a NET2 -I nothere'),
    {
      status: 0,
      stdout: '',
      stderr:
        'smc_pnet: there is no interface nothere yet; the entry takes effect when it appears; this host has dummy0, lo\n',
    },
    '/sys/class/net is that of the namespace',
  );
  t.strictSame(
    await guest.run('smc_pnet -N 1'),
    { status: 0, stdout: '', stderr: '' },
    'where we are already',
  );
  t.equal((await guest.run('ls /sys/class/net')).stdout, 'lo\n', 'nothing is left behind');
});

t.test('runs programs there', async (t) => {
  const { status, stdout } = await guest.run(
    'smc_run -N blue sh -c "readlink /proc/self/ns/net; ls /sys/class/net"; ip netns exec blue readlink /proc/self/ns/net',
  );
  const [namespace, first, second, expected] = stdout.trim().split('\n');
  t.strictSame([status, namespace, first, second], [0, expected, 'dummy0', 'lo']);
});

t.test('threads that come later are there, too', async (t) => {
  const script = `
    require(process.argv[1]).enterNetworkNamespace('/run/netns/blue');
    require('node:fs').readFile('/proc/sys/net/smc/wmem', 'utf8', (error, text) => console.log(error ?? text.trim()));`;
  const { stdout } = await guest.run(`node -e "${script}" ./dist/native/smc-native.node`);
  t.equal(stdout, '131072\n', 'a read by the thread pool');
});

t.test('what cannot be is one line', async (t) => {
  for (const [command, status, message, user] of [
    [
      'smcss -N blue',
      1,
      "the network namespace 'blue' cannot be entered; CAP_SYS_ADMIN is needed: run it as root, outside of containers",
      'nobody',
    ],
    [
      'smcr -N blue info',
      255,
      "the network namespace 'blue' cannot be entered; CAP_SYS_ADMIN is needed: run it as root, outside of containers",
      'nobody',
    ],
    [
      'smcss -N 1',
      1,
      "the network namespace '1' cannot be entered; CAP_SYS_ADMIN and CAP_SYS_PTRACE are needed: run it as root, outside of containers",
      'nobody',
    ],
    [
      'smc_run -N green true',
      1,
      "there is no network namespace 'green'; ip netns lists the named ones; a process ID also works",
      'root',
    ],
    ['smcd -N file info', 255, "'file' is not a network namespace", 'root'],
  ] as const) {
    const { stdout, stderr, ...end } = await guest.run(`exec ${command}`, { user });
    t.strictSame(
      { ...end, stdout, stderr },
      { status, stdout: '', stderr: `${command.split(' ')[0]}: ${message}\n` },
      `${command} as ${user}`,
    );
  }
});
