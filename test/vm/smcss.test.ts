// SPDX-License-Identifier: MIT
// smcss with owners, filters, counts and all network namespaces, against a real kernel.
import t from 'tap';
import {
  addUeid,
  bootWithSuite,
  type JsonSocket,
  sockets,
  waitFor,
  waitForListener,
  waitForOutput,
} from './suite.ts';

interface Seen extends JsonSocket {
  ownership?: string;
  owners?: { command: string; pid: number; fd: number; unit: string | null; container: object | null }[];
  netns?: { name: string | null; inode: number };
}

const ID = '4f0c2d1a9b3c'.repeat(6).slice(0, 64);
const GROUP = `/sys/fs/cgroup/system.slice/docker-${ID}.scope`;

const guest = await bootWithSuite({ kernel: '6.12-smcd' });
t.teardown(() => guest.close());
await addUeid(guest);

/** The sockets that a command line selects. */
const seen = async (options: string): Promise<Seen[]> => (await sockets(guest, options)) as Seen[];

// a fork server in what looks like a container: two connections are accepted, the third waits
await guest.run(
  `[ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p ${GROUP}`,
  { check: true },
);
const server = await guest.start(
  `echo $$ >${GROUP}/cgroup.procs; exec smc_run python3 test/vm/programs/fork-server.py 7201`,
);
await waitForListener(guest, 7201);
const client = await guest.start('exec smc_run python3 test/vm/programs/connect.py 7201 3');
const serverText = await waitForOutput(server, 'two accepted connections', (stdout) =>
  stdout.split('accepted').length === 3 ? stdout : undefined,
);
await waitForOutput(client, 'three connections', (stdout) => stdout.includes('connected'));
const [, parent] = /listening (\d+)/.exec(serverText) ?? [];
const workers = [...serverText.matchAll(/accepted (\d+) (\d+)/g)].map(
  ([, pid, fd]) => [Number(pid), Number(fd)] as const,
);

// a client without SMC, and another network namespace
const plain = await guest.start('exec python3 test/vm/programs/connect.py 7201 1');
await waitForOutput(plain, 'a connection', (stdout) => stdout.includes('connected'));
await guest.run('ip netns add blue && ip -n blue link set lo up', { check: true });
const blue = await guest.start(
  'exec ip netns exec blue smc_run python3 test/vm/programs/fork-server.py 7202',
);
await waitForOutput(blue, 'a listener', (stdout) => stdout.includes('listening'));
await waitFor(guest, 'smcss -H sport = :7201 | grep -c ACTIVE', { shows: '^4$' });

t.test('owners', async (t) => {
  const all = await seen('-ap sport = :7201');
  const listening = all.filter(({ state }) => state === 'LISTEN');
  t.equal(listening.length, 1);
  t.strictSame(
    listening[0]?.owners?.map(({ pid }) => pid),
    [Number(parent), ...workers.map(([pid]) => pid)].sort((one, other) => one - other),
    'the whole family',
  );
  t.match(listening[0]?.owners?.[0], {
    unit: `docker-${ID}.scope`,
    container: { runtime: 'docker', id: ID },
  });
  const accepted = all.filter(({ ownership, state }) => state !== 'LISTEN' && ownership === 'held');
  t.strictSame(
    accepted.flatMap(({ owners = [] }) => owners.map(({ pid, fd }) => [pid, fd])).sort(),
    workers.map((worker) => [...worker]).sort(),
  );
  const waiting = all.filter(({ ownership }) => ownership === 'not accepted');
  t.equal(waiting.length, 2, 'one over SMC, and the fallback');
  const text = (await guest.run('smcss -ap state listening sport = :7201', { check: true })).stdout;
  t.match(
    text,
    new RegExp(
      `users:\\(\\("python3",pid=\\d+,fd=\\d+\\),.* unit:docker-${ID}\\.scope container:docker/4f0c2d1a9b3c$`,
      'm',
    ),
  );
});

t.test('owners of others', async (t) => {
  const { stdout, stderr, status } = await guest.run('smcss -p sport = :7201', { user: 'nobody' });
  t.equal(status, 0);
  t.match(stdout, / unknown$/m);
  t.match(
    stderr,
    /^smcss: the owners of \d+ sockets are unknown: \d+ processes of other users may not be read; run it as root\n$/,
  );
});

t.test('filters', async (t) => {
  const count = async (filter: string): Promise<number> => (await seen(filter)).length;
  for (const [filter, expected] of [
    ['sport = :7201', 4],
    ['dport 7201', 3],
    ['-a sport 7201', 5],
    ['sport 7201 and mode smcd', 3],
    ['sport 7201 and mode tcp', 1],
    ['sport 7201 reason PEERNOSMC', 1],
    ['sport 7201 not reason 0x03010000', 3],
    ['( sport 7201 or dport 7201 ) and side server', 4],
    ['{ sport 7201 or dport 7201 } side client', 3],
    ['state listening src 127.0.0.0/8 sport ge 7201 sport le 7202', 1],
    [`pid ${workers[0]![0]} state established`, 1],
    ['unit docker-x', 0],
    [`unit docker-${ID}.scope state listening`, 1],
    ['comm python3 dport 7201', 3],
    ['user root dport 7201', 3],
    ['uid != 0 dport 7201', 0],
  ] as const)
    t.equal(await count(filter), expected, filter);
  const groups = (await seen('-D dport 7201')).map(({ dmb }) => dmb?.['link_group_id']);
  t.equal(groups.length, 3);
  // on one host, the two ends of a connection can be in either group
  const [group] = groups;
  t.equal(await count(`lgr ${group} dport 7201`), groups.filter((one) => one === group).length);
});

t.test('counts', async (t) => {
  const summary = JSON.parse((await guest.run('smcss -sj sport = :7201', { check: true })).stdout);
  t.match(summary, {
    connections: 4,
    smcd: 3,
    tcp: 1,
    fallbacks: [{ reason: { name: 'PEERNOSMC' }, server: 1 }],
  });
  t.match(summary.ports.most_connections, [{ group: '7201', connections: 4 }]);
  const { stdout } = await guest.run('smcss --group-by=port sport 7201 or dport 7201', { check: true });
  t.match(stdout, /^ +7 +0 +6 +1 +7201$/m);
});

t.test('all namespaces', async (t) => {
  t.equal((await seen('state listening sport 7202')).length, 0, 'not here');
  const [there] = await seen('-pA state listening sport 7202');
  t.match(there, { netns: { name: 'blue', container: null }, ownership: 'held' });
  const here = await seen('-A sport 7201');
  t.equal(here.length, 4);
  t.equal(here[0]?.netns?.name, null);
  t.equal((await seen('-aA netns blue')).length, 1);
  t.equal((await seen(`-aA netns ${there?.netns?.inode}`)).length, 1);
  t.match((await guest.run('smcss -aA netns blue')).stdout, / blue +$/m);
  const nobody = await guest.run('smcss -aA', { user: 'nobody' });
  t.equal(nobody.status, 0);
  t.match(
    nobody.stderr,
    /sockets are missing: 1 of 2 network namespaces cannot be entered \(EPERM\); run it as root/,
  );
  t.match(nobody.stderr, /sockets may be missing: \d+ processes may not be asked/);
  t.match(nobody.stdout, /:7201/, 'but ours are listed');
});

t.test('the end', async () => {
  for (const process of [client, plain, server, blue]) process.kill();
  for (const process of [client, plain, server, blue]) await process.wait();
});
