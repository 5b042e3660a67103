// SPDX-License-Identifier: MIT
// examples/container on a kernel with SMC: programs in containers of podman connect over SMC-D under the profile and without
// capabilities, with the host's network namespace and from one of their own, and README.md there is right about
// capabilities and sysctls. The root file system of the containers is that of the guest; test/as-root/container.test.ts
// builds the image.
// Long: each container takes five seconds to start.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { waitUntil } from '../helpers/wait.ts';
import { type CommandResult, projectDirectory } from './guest.ts';
import { addUeid, bootWithSuite, listener, ownConnection, UEID, waitFor } from './suite.ts';

interface Rule {
  names: string[];
  args?: { index: number; value: number; op: string }[];
  comment?: string;
}
const example = join(projectDirectory, 'examples/container/seccomp.json');
const profile = JSON.parse(readFileSync(example, 'utf8')) as { syscalls: Rule[] };

const guest = await bootWithSuite({ kernel: '6.12-smcd' });
t.teardown(() => guest.close());
await addUeid(guest);
// a bind mount of the root leaves out what is mounted below it, and containers get that of their own
await guest.run(
  `mkdir -p /sys/fs/cgroup /run/root
mount -t cgroup2 none /sys/fs/cgroup && mount --bind / /run/root`,
  { check: true },
);

const PODMAN =
  'env HOME=/tmp podman --root /tmp/storage --runroot /tmp/run --tmpdir /tmp/state --cgroup-manager cgroupfs --runtime crun --events-backend none';

/** The command line that runs a script in a container, with the suite where the image of the example has it. */
const container = (options: string, script: string, seccomp = example): string =>
  `${PODMAN} run --rm --security-opt seccomp=${seccomp} -v "$PWD:/opt/package:ro" -w /opt/package \
-e PATH=/opt/package/dist/native/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${options} --rootfs /run/root sh -c '${script}'`;

const inside = (options: string, script: string, seccomp?: string): Promise<CommandResult> =>
  guest.run(container(options, script, seccomp));

const HOST = '--network host --cap-drop all';
/** Connects to itself by the way that smc_run chooses, or by one of these options. */
const connect = (port: number, options = ''): string =>
  `smc_run -d ${options} python3 test/vm/programs/own-connection.py ${port} 100000 </dev/null;`;

t.test("the host's namespace, without capabilities", async (t) => {
  const held = await ownConnection(guest, 7001, 100_000);
  const { stdout, stderr } = await inside(
    HOST,
    `grep CapEff /proc/self/status; ${connect(7002)} ${connect(7003, '--via seccomp')}
smcss; smcd linkgroup; smcd ueid; smcr stats; smc_pnet; smc_chk`,
  );
  await held.end();
  t.match(stdout, /^CapEff:\t0{16}$/m);
  t.equal(stderr.match(/^smc_run: 2 connections: 2 SMC-D$/gm)?.length, 2, stderr);
  t.equal(stdout.match(/^ACTIVE .* 127\.0\.0\.1:7001 .* SMCD/gm)?.length, 2, stdout);
  t.match(stdout, /^LG-ID .*\n[0-9a-f]{8} /m);
  t.match(stdout, new RegExp(`^${UEID} *$`, 'm'));
  t.match(stdout, /^SMC-R Connections Summary$/m);
  t.match(stdout, /^PASS interface lo: SMC-D version 2 over loopback-ism/m);
});

/** The profile, with other rules for the call socket. */
async function variant(name: string, change: (rule: Rule) => Rule[]): Promise<string> {
  const path = `/tmp/${name}.json`;
  const syscalls = profile.syscalls.flatMap(change);
  await guest.writeFile(path, JSON.stringify({ ...profile, syscalls }));
  return path;
}

t.test('profiles that forbid SMC', async (t) => {
  const withoutFamily = await variant('no-family', (rule) => (rule.comment === 'AF_SMC' ? [] : [rule]));
  const { stderr } = await inside(
    HOST,
    `${connect(7004)} ${connect(7005, '--socket af_smc')}`,
    withoutFamily,
  );
  t.match(stderr, /^smc_run: 2 connections: 2 SMC-D$/m, 'the protocol IPPROTO_SMC is another way');
  t.equal(stderr.match(/^libsmc-preload: .* stays TCP: AF_SMC gave errno 38$/gm)?.length, 2, stderr);

  const withoutBoth = await variant('no-smc', (rule) => {
    if (rule.comment === 'AF_SMC') return [];
    if (!rule.comment?.includes('IPPROTO_SMC')) return [rule];
    return [{ ...rule, args: [...rule.args!, { index: 2, value: 256, op: 'SCMP_CMP_NE' }] }];
  });
  const forbidden = await inside(
    HOST,
    `${connect(7006)} echo "status $?"; ${connect(7007, '--via seccomp')} echo "status $?"`,
    withoutBoth,
  );
  t.equal(forbidden.stdout.match(/^status 0$/gm)?.length, 2, 'the program runs on');
  const { stderr: reasons } = forbidden;
  t.equal(reasons.match(/^libsmc-preload: .* stays TCP: AF_SMC gave errno 38$/gm)?.length, 2, reasons);
  t.equal(reasons.match(/^smc-launch: .* stays TCP: AF_SMC gave errno 38$/gm)?.length, 2);
  t.equal(reasons.match(/^smc_run: 0 sockets opened as SMC, 2 as TCP$/gm)?.length, 2);
});

t.test('which capability for what', async (t) => {
  const changes = `for c in "smc_pnet -a NET9 -I lo" "smc_pnet -d NET9" "smcd ueid add X.Y" "smcd ueid del X.Y" "smcd hs-limit enable" "smcd hs-limit disable"
do $c >/dev/null 2>&1 && echo "can $c" || echo "cannot $c"; done`;
  t.match((await inside('--network host', changes)).stdout, /^(cannot .*\n){6}$/, "podman's default");
  t.match((await inside(`${HOST} --cap-add NET_ADMIN`, changes)).stdout, /^(can .*\n){6}$/);

  const { pid, end } = await ownConnection(guest, 7008, 1000);
  const PIDS = `${HOST} --pid host`;
  const look = `smcss -N ${pid} -a && echo entered; smcss -A; smcss -p`;
  const denied = await inside(`${PIDS} --cap-add SYS_ADMIN`, look);
  t.notMatch(denied.stdout, 'entered');
  t.match(
    denied.stderr,
    new RegExp(`namespace '${pid}' cannot be entered; CAP_SYS_ADMIN and CAP_SYS_PTRACE are needed`),
    denied.stderr,
  );
  t.notMatch(denied.stdout, `pid=${pid}`);
  const allowed = await inside(`${PIDS} --cap-add SYS_ADMIN,SYS_PTRACE`, look);
  t.match(allowed.stdout, 'entered');
  t.match(allowed.stdout, `pid=${pid}`, 'the owners of sockets');
  t.equal(allowed.stderr, '');
  await end();
  await guest.run('ip netns add red', { check: true });
  const named = await inside(
    `${HOST} --cap-add SYS_ADMIN -v /run/netns:/run/netns`,
    'smcss -N red && echo entered',
  );
  t.match(named.stdout, 'entered', named.stderr);
  const log = await inside(`${HOST} --device /dev/kmsg --cap-add SYSLOG`, 'smc_chk');
  t.match(log.stdout, /^PASS kernel-log/m);
});

t.test('a network namespace of its own', async (t) => {
  const sysctl = await inside('--network host --sysctl net.smc.wmem=131072', 'true');
  t.match(sysctl.stderr, /net\.smc\.wmem=131072 can't be set since Network Namespace set to host/);

  const server = await guest.start(
    `exec ${container(
      '--network none --cap-drop all --name server --sysctl net.smc.wmem=131072',
      `wait_for "test -e /sys/class/net/eth0"
cat /proc/sys/net/smc/wmem
exec smc_run node test/vm/programs/echo-server.mjs 7100 0.0.0.0`,
    )}`,
  );
  const inspect = `${PODMAN} inspect -f {{.State.Pid}} server`;
  await waitUntil('the container', async () => {
    const { stdout } = await guest.run(inspect);
    if (server.hasEnded) throw new Error((await server.wait()).stderr);
    return /^[1-9]/.test(stdout);
  });
  const pid = (await guest.run(inspect, { check: true })).stdout.trim();
  const enter = `nsenter -t ${pid} -n`;
  await guest.run(
    `ip link add veth0 type veth peer name eth0 netns ${pid} && ip addr add 10.9.0.1/24 dev veth0 && ip link set veth0 up
${enter} ip addr add 10.9.0.2/24 dev eth0 && ${enter} ip link set eth0 up`,
    { check: true },
  );
  await waitFor(guest, `${enter} ${listener(7100)}`, { shows: '.' });
  const { stdout, stderr } = await guest.run(
    `smc_run -d node test/vm/programs/echo-client.mjs 7100 10.9.0.2 100000 </dev/null
${enter} smcd stats
cat /proc/sys/net/smc/wmem`,
  );
  t.match(stdout, /^same /);
  t.match(stderr, /^smc_run: 1 connection: 1 SMC-D$/m, 'from the host to the container');
  t.match(stdout, /^ +SMC connections +1$/m, 'the container has statistics of its own');
  t.match(stdout, /\n65536\n$/, 'and settings');
  t.match(await server.output(), /^131072$/m);
  const between = await inside(
    `--network ns:/proc/${pid}/ns/net --cap-drop all`,
    `smc_run -d node test/vm/programs/echo-client.mjs 7100 10.9.0.2 100000 </dev/null; smc_pnet; smc_chk --problems`,
  );
  t.match(between.stdout, /^same /);
  t.match(between.stderr, /^smc_run: 1 connection: 1 SMC-D$/m, 'within the namespace');
  t.match(between.stdout, /^WARNING namespace: not the initial network namespace, as in a container$/m);
  server.kill('SIGKILL');
});
