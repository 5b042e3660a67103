// SPDX-License-Identifier: MIT
import t from 'tap';
import { wrapperEffect } from '../../src/host/wrappers.ts';

/** Words of a line; quotes keep blanks together, as in a shell. */
const split = (line: string): string[] =>
  (line.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replaceAll("'", ''));

const effect = (line: string) => {
  const argv = split(line);
  return wrapperEffect(argv[0]!, argv, '/bin');
};

const starts = (program: string, more = {}) => ({
  kind: 'starts',
  argv: split(program),
  path: '/bin',
  isText: false,
  wipes: null,
  moves: null,
  ...more,
});

/** Command lines as people write them, and what they start. */
const LINES: readonly (readonly [string, string])[] = [
  // priority, processors, limits
  ['nice prog', 'prog'],
  ['nice -n 5 prog', 'prog'],
  ['nice -n5 prog', 'prog'],
  ['nice -5 prog', 'prog'],
  ['nice -19 -- prog', 'prog'],
  ['nice --adjustment=5 prog a', 'prog a'],
  ['nice --adjustment 5 prog a', 'prog a'],
  ['nice --adj 5 prog a', 'prog a'],
  ['ionice -c 2 -n 0 prog', 'prog'],
  ['ionice -c3 -t prog -p 1', 'prog -p 1'],
  ['ionice --class idle prog', 'prog'],
  ['taskset 0x1 prog', 'prog'],
  ['taskset -c 0,2-3 prog', 'prog'],
  ['taskset -ac 0 prog', 'prog'],
  ['chrt -f 10 prog', 'prog'],
  ['chrt --deadline -T 1000 --sched-period 5000 0 prog', 'prog'],
  ['numactl --cpunodebind=0 --membind=0 prog -x', 'prog -x'],
  ['numactl -N 0 -m 0 prog', 'prog'],
  ['numactl -C 0-3 --localalloc -- prog', 'prog'],
  ['numactl --interleave all prog', 'prog'],
  ['prlimit --nofile=1024:2048 --core prog', 'prog'],
  ['prlimit -n100 prog', 'prog'],
  ['choom -n 500 -- prog', 'prog'],
  ['uclampset -m 1 -M 512 prog', 'prog'],
  ['cpulimit -l 50 -i -- prog', 'prog'],
  ['cpulimit --limit=50 prog', 'prog'],
  ['cgexec -g cpu,memory:group --sticky prog', 'prog'],
  ['schedtool -B -n 10 -e prog x', 'prog x'],
  ['setarch -R prog', 'prog'],
  ['setarch x86_64 -R prog', 'prog'],
  ['setarch --addr-no-randomize prog', 'prog'],
  ['linux32 prog', 'prog'],
  ['softlimit -m 1000000 -o 20 prog', 'prog'],

  // streams, sessions, time
  ['nohup prog -x', 'prog -x'],
  ['nohup -- prog', 'prog'],
  ['setsid -w prog', 'prog'],
  ['setsid --fork --wait prog', 'prog'],
  ['stdbuf -o0 -e L prog', 'prog'],
  ['stdbuf --output=L prog', 'prog'],
  ['timeout 5 prog', 'prog'],
  ['timeout -k 1 -s INT 5 prog 7', 'prog 7'],
  ['timeout --foreground --signal=TERM 5s prog', 'prog'],
  ['time prog', 'prog'],
  ['time -v -o /tmp/t prog', 'prog'],
  ["time -f '%e %M' prog", 'prog'],
  ['chronic -v prog', 'prog'],
  ['unbuffer -p prog x', 'prog x'],
  ['rlwrap -a -c prog x', 'prog x'],
  ['flock -n /tmp/lock prog x', 'prog x'],
  ['flock --timeout 10 /tmp/lock prog', 'prog'],
  ['setlock -n /tmp/lock prog', 'prog'],
  ['xargs -0 -n 1 -P 4 prog -x', 'prog -x'],
  ['xargs -I{} prog {}', 'prog {}'],
  ['xargs --max-args=1 --no-run-if-empty prog', 'prog'],
  ['watch -x -n 5 prog a', 'prog a'],
  ['daemonize -p /run/p -c / /bin/prog', '/bin/prog'],

  // libraries of others
  ['eatmydata prog', 'prog'],
  ['eatmydata -- prog', 'prog'],
  ["faketime -f '2020-01-01 00:00' prog", 'prog'],
  ['fakeroot -s /tmp/f prog', 'prog'],
  ['torsocks -i prog', 'prog'],
  ['proxychains4 -q -f /etc/p.conf prog', 'prog'],
  ['authbind --deep prog', 'prog'],
  ['authbind --depth 2 prog', 'prog'],
  ['catchsegv prog', 'prog'],

  // measuring and looking inside
  ['strace -f -e trace=network -o /tmp/t prog -p', 'prog -p'],
  ['strace -ff -o /tmp/t -- prog', 'prog'],
  ['strace -yy --trace=%network --follow-forks prog', 'prog'],
  ['ltrace -f -e socket prog', 'prog'],
  ['perf stat -e cycles,instructions -r 3 prog x', 'prog x'],
  ['perf stat -d -- prog', 'prog'],
  ['perf --no-pager record -g -F 99 -o /tmp/p -- prog', 'prog'],
  ['perf record --call-graph dwarf prog', 'prog'],
  ['perf trace -s prog', 'prog'],
  ['gdb --args prog x y', 'prog x y'],
  ['gdb -q -batch -ex run -ex bt --args prog -x', 'prog -x'],
  ['gdb prog core', 'prog'],
  ['gdbserver :1234 prog x', 'prog x'],
  ['gdbserver --once localhost:1234 prog', 'prog'],
  ['lldb -o run -- prog x', 'prog x'],
  ['valgrind prog', 'prog'],
  ['valgrind --leak-check=full -q --log-file=/tmp/v prog x', 'prog x'],
  ['rr record -n prog x', 'prog x'],
  ['heaptrack -o /tmp/h prog', 'prog'],

  // users
  ['runuser -u postgres -- prog -x', 'prog -x'],
  ['runuser -u postgres prog', 'prog'],
  ['setpriv --reuid=1000 --regid 1000 --clear-groups --nnp prog', 'prog'],
  ['setpriv --no-new-privs --bounding-set -all -- prog', 'prog'],
  ['gosu postgres prog x', 'prog x'],
  ['su-exec nobody:nogroup prog', 'prog'],
  ['chpst -u web:www -o 100 -m 1000000 prog', 'prog'],
  ['chpst -b name -P prog', 'prog'],
  ['setuidgid web prog', 'prog'],
  ['envdir ./env prog', 'prog'],
  ['envuidgid web softlimit -d 1 prog', 'softlimit -d 1 prog'],
  ['pgrphack prog', 'prog'],
  ['s6-setuidgid web prog', 'prog'],
  ['s6-applyuidgid -u 33 -g 33 prog', 'prog'],
  ['s6-envdir -f ./env prog', 'prog'],
  ['s6-softlimit -o 100 prog', 'prog'],
  ['capsh --drop=cap_net_raw --user=nobody -- -c id', '/bin/bash -c id'],

  // namespaces and file trees
  ['ip netns exec blue prog -x', 'prog -x'],
  ['ip netn e blue prog', 'prog'],
  ['ip -n red netns exec blue prog', 'prog'],
  ['ip -all netns exec prog x', 'prog x'],
  ['ip vrf exec red prog', 'prog'],
  ['nsenter --net=/run/netns/blue prog', 'prog'],
  ['nsenter -t 17 -n -- prog', 'prog'],
  ['nsenter --target 17 --net --uts prog', 'prog'],
  ['unshare -n prog', 'prog'],
  ['unshare -Urn prog', 'prog'],
  ['unshare --pid --fork --mount-proc --kill-child=TERM prog', 'prog'],
  ['unshare --map-root-user --net prog', 'prog'],
  ['bwrap --unshare-pid --ro-bind / / --dev /dev --setenv A 1 --die-with-parent prog x', 'prog x'],
  ['chroot / prog', 'prog'],

  // process 1, services
  ['tini -- prog', 'prog'],
  ['tini -g -v -p SIGTERM -- prog x', 'prog x'],
  ['docker-init -- prog', 'prog'],
  ['dumb-init prog', 'prog'],
  ['dumb-init --rewrite 15:3 -c -- prog', 'prog'],
  ['catatonit -- prog', 'prog'],
  ['start-stop-daemon --start --quiet --exec /usr/sbin/d -- -f x', '/usr/sbin/d -f x'],
  ['start-stop-daemon -S -b -m -p /run/p -a /bin/w -x /bin/d -- -f', '/bin/w -f'],
  ['systemd-run --scope -p MemoryMax=1G prog x', 'prog x'],
  ['systemd-run --user --scope --slice=x.slice -- prog', 'prog'],
  ['systemd-inhibit --what=sleep --why=work prog', 'prog'],
  ['systemd-cat -t name prog', 'prog'],
  ['dbus-run-session -- prog', 'prog'],
  ['dbus-launch --exit-with-session prog', 'prog'],
  ['with-contenv prog', 'prog'],

  // others
  ['mpirun -np 4 prog x', 'prog x'],
  ['mpirun -n 4 --mca btl tcp,self --bind-to core prog', 'prog'],
  ['mpirun --allow-run-as-root -host a,b -x PATH prog', 'prog'],
  ['mpiexec -ppn 2 -genv A 1 prog', 'prog'],
  ['ld-linux-x86-64.so.2 --library-path /x prog', 'prog'],
  ['ld-musl-x86_64.so.1 --preload lib.so -- prog', 'prog'],

  // env
  ['env prog x', 'prog x'],
  ['env A=1 B= prog', 'prog'],
  ['env -u A -- prog', 'prog'],
  ['env -uA --unset=B --unset C prog', 'prog'],
  ['env -v -S prog x y', 'prog x y'],
  ['env -Sprog x', 'prog x'],
  ['env --split-string=prog x', 'prog x'],
  ['env -C /srv prog', 'prog'],
  ['env --chdir=/srv ./prog', '/srv/./prog'],
  ['env --default-signal=PIPE --ignore-signal prog', 'prog'],
  ['env -a name prog', 'prog'],
  ['chpst -C /srv ./prog', '/srv/./prog'],
  ['unshare -w /srv bin/prog', '/srv/bin/prog'],
];

t.test('what wrappers start', async (t) => {
  for (const [line, program] of LINES) t.strictSame(effect(line), starts(program), line);
  t.strictSame(
    wrapperEffect('env', ['env', '-S', `a "b c" 'd'e`, 'f'], '/bin'),
    { ...starts(''), argv: ['a', 'b c', 'de', 'f'] },
    'quotes of env -S',
  );
});

t.test('text for a shell', async (t) => {
  for (const [line, program] of [
    ["sh -c 'prog x y'", 'prog x y'],
    ["bash -lc 'exec prog'", 'prog'],
    ["bash -o pipefail -ec 'A=1 prog'", 'prog'],
    ["dash -c -- 'prog x'", 'prog x'],
    ["su postgres -c 'prog x'", 'prog x'],
    ['su -s /bin/sh -c prog postgres', 'prog'],
    ["runuser postgres --command 'prog x'", 'prog x'],
    ["sg group -c 'prog x'", 'prog x'],
    ["sg group 'prog x'", 'prog x'],
    ["script -qec 'prog x' /dev/null", 'prog x'],
    ["script /tmp/log --command='prog x'", 'prog x'],
    ["flock /tmp/lock -c 'prog x'", 'prog x'],
    ["watch -n 1 'prog x'", 'prog x'],
    ['watch prog x', 'prog x'],
    ["hyperfine -w 3 -i 'prog x'", 'prog x'],
    ["hyperfine 'prog x' --runs 5", 'prog x'],
    ['parallel -j 4 prog -x {} ::: a b', 'prog -x'],
  ] as const)
    t.strictSame(effect(line), starts(program, { isText: true }), line);
  t.strictSame(wrapperEffect('sh', ['sh', '-c', 'prog "a b"'], '/bin'), {
    ...starts('', { isText: true }),
    argv: ['prog', 'a b'],
  });
  // more than words: the shell is all that is known
  for (const text of ['prog; true', 'prog | cat', 'prog $X', 'LD_PRELOAD=x prog', 'PATH=/x prog', '(prog)'])
    t.strictSame(effect(`sh -c '${text}'`), starts('', { isText: true }), text);
});

t.test('what becomes of PATH and LD_PRELOAD', async (t) => {
  for (const [line, path, wipes] of [
    ['env PATH=/x prog', '/x', null],
    ['env -u PATH prog', undefined, null],
    ['env -i prog', undefined, 'env -i'],
    ['env -iv prog', undefined, 'env -i'],
    ['env -i PATH=/x prog', '/x', 'env -i'],
    ['env - prog', undefined, 'env -'],
    ['env -v - PATH=/y prog', '/y', 'env -'],
    ['env --ignore-environment prog', undefined, 'env --ignore-environment'],
    ['env -u LD_PRELOAD prog', '/bin', 'env -u LD_PRELOAD'],
    ['env -iS prog', undefined, 'env -i'],
    ['env LD_PRELOAD=x prog', '/bin', 'env LD_PRELOAD='],
    ['setpriv --reuid 1 --reset-env prog', '/bin', 'setpriv --reset-env'],
    ['nsenter -t 1 -n -e prog', '/bin', 'nsenter -e'],
  ] as const)
    t.strictSame(effect(line), starts('prog', { path, wipes }), line);
  for (const [line, wipes] of [
    ['sudo -u postgres prog', 'sudo'],
    ['sudo --new-option prog', 'sudo'],
    ['doas prog', 'doas'],
    ['pkexec prog', 'pkexec'],
    ['podman run image', 'podman'],
    ['su - user', 'su -'],
    ['su user -l', 'su -l'],
    ["su - postgres -c 'a | b'", 'su -'],
    ['runuser --login user', 'runuser --login'],
    ['pg_ctlcluster 15 main start', 'pg_ctlcluster'],
    ['jemalloc.sh prog', 'jemalloc.sh'],
    ['systemd-nspawn -D /srv/tree prog', 'systemd-nspawn'],
  ] as const)
    t.match(effect(line), { kind: 'starts', wipes }, line);
});

t.test('programs of another file tree', async (t) => {
  for (const [line, moves] of [
    ['chroot /srv/tree prog', 'chroot'],
    ['chroot /srv/tree', 'chroot'],
    ['chroot --userspec=1:1 /srv/tree prog', 'chroot'],
    ['unshare -R /srv/tree prog', 'unshare -R'],
    ['unshare --root=/srv/tree prog', 'unshare --root'],
    ['nsenter -t 17 -a prog', 'nsenter -a'],
    ['nsenter -t 17 -m prog', 'nsenter -m'],
    ['chpst -/ /srv/tree prog', 'chpst -/'],
    ['bwrap --bind /srv/tree / prog', 'bwrap'],
    ['firejail --private prog', 'firejail'],
    ['proot -r /srv/tree prog', 'proot'],
    ['start-stop-daemon -S -r /srv/tree -x /bin/d', 'start-stop-daemon -r'],
  ] as const)
    t.strictSame(effect(line), starts('', { moves }), line);
});

t.test('programs that a service starts', async (t) => {
  for (const [line, by] of [
    ['docker run x', 'docker'],
    ['snap run x', 'snap'],
    ['systemd-run prog', 'systemd-run'],
    ['systemd-run -p A=b --user prog', 'systemd-run'],
    ['run0 prog', 'run0'],
    ['systemctl start x', 'systemctl'],
    ['machinectl shell x', 'machinectl'],
    ['kubectl exec x', 'kubectl'],
    ['at now', 'at'],
    ['srun prog', 'srun'],
    ['tmux new-session prog', 'tmux'],
  ] as const)
    t.strictSame(effect(line), { kind: 'elsewhere', by }, line);
});

t.test('command lines that are not understood', async (t) => {
  for (const [line, by] of [
    ['nice --new-option 5 prog', 'nice --new-option'],
    ['timeout -Z 5 prog', 'timeout -Z'],
    ['strace -f --new prog', 'strace --new'],
    ['env -S $X', 'env -S'],
    ['env -Q prog', 'env -Q'],
    ['systemd-run --scope --new x prog', 'systemd-run --new'],
    ['hyperfine one two', 'hyperfine'],
    ['mpirun -n 1 one : -n 2 two', 'mpirun'],
    ['perf stat --new prog', 'perf --new'],
    // which of the two?
    ['env --i prog', 'env --i'],
  ] as const)
    t.strictSame(effect(line), { kind: 'unclear', by }, line);
});

t.test('everything else', async (t) => {
  for (const line of [
    'curl http://x',
    'su user',
    'runuser user',
    'env',
    'env A=1',
    'env -u',
    'nice',
    'nice --help',
    'timeout 5',
    'nohup --help',
    'taskset -p 1 17',
    'ionice -p 17',
    'strace -p 17',
    'perf record -p 17',
    'perf report',
    'perf',
    'gdb',
    'gdb -p 17',
    'ip addr show',
    'ip netns list',
    'ip netns exec',
    'ip route get 1.1.1.1',
    'unshare -n',
    'sh',
    'sh script x',
    'bash -x script -c x',
    'bash --new-option script',
    'start-stop-daemon --stop --exec /bin/d',
    'flock 9',
    'rr replay',
    'capsh --print',
    'xargs',
    'constructor x',
  ])
    t.equal(effect(line), undefined, line);
});
