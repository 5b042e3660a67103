// SPDX-License-Identifier: MIT
// smc_chk -C and -S on real kernels: each kind of failure is named, with its cause on the right host and its fix.
import t, { type Test } from 'tap';
import { isLong, long } from '../helpers/long.ts';
import { cable } from './cable.ts';
import { type CommandResult, type Guest, type GuestProcess, setUpSmcR } from './guest.ts';
import {
  addUeid,
  bootWithSuite,
  firstOverSmcR,
  hasDibs,
  listener,
  UEID,
  waitFor,
  waitForListener,
  waitForOutput,
} from './suite.ts';

/** The part of `smc_chk -j -C` that the tests look at. */
interface Connection {
  mode: string;
  version: number | null;
  release: number | null;
  ib_device: string | null;
  gid: string | null;
  peer_gid: string | null;
  link_group_id: string | null;
  eid: string | null;
  reason: { name: string } | null;
  peer_diagnosis: { name: string } | null;
  cause: { name: string } | null;
  declined_by: string | null;
  likely_cause: { at: string | null; text: string; fix: string | null } | null;
  checks: { id: string; subject: string | null; status: string }[];
  local: { address: string; port: number };
  peer: { address: string; port: number };
}

/** A server in a guest, and its report. */
async function serve(guest: Guest, options = ''): Promise<GuestProcess & { port: number }> {
  const server = await guest.start(`exec smc_chk -S ${options}`);
  const started = /started on port (\d+)|"started","port":(\d+)/;
  const seen = await waitForOutput(server, 'the start of the server', (text) => started.exec(text));
  return Object.assign(server, { port: Number(seen[1] ?? seen[2]) });
}

/** Stops a server once it has reported a connection; returns that report. */
async function reportOf(server: GuestProcess): Promise<Connection | undefined> {
  await waitForOutput(server, 'the report of a connection', (text) => rows(text).length > 0);
  return rows((await stop(server)).stdout)[0];
}

/** Stops a server; its rows of JSON, or its lines. */
async function stop(server: GuestProcess, signal: 'SIGINT' | 'SIGTERM' = 'SIGINT'): Promise<CommandResult> {
  server.kill(signal);
  return server.wait();
}

async function connect(guest: Guest, target: string, options = {}): Promise<Connection & { status: number }> {
  // how long a handshake takes does not matter
  const { status, stdout, stderr } = await guest.run(`smc_chk -j --timeout 1000 -C ${target}`, options);
  const { connection } = JSON.parse(stdout || '{}') as { connection: Connection | null };
  if (!connection) throw new Error(`status ${status}: ${stderr}`);
  return { ...connection, status };
}

/** Checks that no process and no file of ours is left in the guest. */
async function nothingIsLeft(t: Test, guest: Guest, what: string): Promise<void> {
  const { stdout } = await guest.run(
    'ps -e -o args | grep -v grep | grep smc_chk; find /tmp /run /var/tmp -newer /tmp/mark -name "*smc*" -o -newer /tmp/mark -name "echo*"',
  );
  t.equal(stdout, '', what);
}

/** Connections in the output of a server; a line that is still being written is ignored. */
const rows = (output: string): (Connection & { event: string })[] =>
  output
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Connection & { event: string })
    .filter(({ event }) => event === 'connection');

t.test('one host with SMC-R', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12' });
  t.teardown(() => guest.close());
  await guest.run('touch /tmp/mark', { check: true });
  const server = await serve(guest, '-j');
  t.equal(server.port, 37_373, 'the default port');

  await t.test('no RDMA device', async (t) => {
    const found = await connect(guest, '127.0.0.1');
    t.match(found, { status: 3, mode: 'TCP', declined_by: 'local', reason: { name: 'NOSMCDEV' } });
    t.match(found.likely_cause, { at: 'local', text: /has no RDMA device/, fix: /rdma link add/ });
    t.equal(found.checks[0]?.id, 'rdma-device');
  });

  await setUpSmcR(guest);
  await guest.run('smc_pnet -a NET1 -I lo -D rxelo', { check: true });

  await t.test('no UEID', async (t) => {
    const { status, stdout } = await guest.run('smc_chk -C localhost');
    t.equal(status, 3);
    t.match(stdout, /^Test with target IP 127\.0\.0\.1 and port 37373 \(localhost\)$/m);
    t.match(stdout, /^ {2}Live test \(SMC-D and SMC-R\)\n {5}Failed {2}TCP fallback$/m);
    t.match(stdout, /^ {10}Client: 0x03030000 NOSMCDEV: no SMC-R or SMC-D device fits/m);
    t.match(stdout, /^ {10}Declined by: this host$/m);
    t.match(stdout, /^ {10}Cause at this host: no UEID: /m);
    t.match(stdout, /^ {10}Fix: smcd ueid add NAME/m);
    t.match(stdout, /^ {10}Looked at: FAIL ueid: /m);
    t.match(stdout, /\n\n$/);
  });

  await addUeid(guest);
  await firstOverSmcR(guest);

  await t.test('SMC-R', async (t) => {
    const { status, stdout, stderr } = await guest.run('smc_chk -C 127.0.0.1');
    t.strictSame([status, stderr], [0, '']);
    t.match(stdout, /^ {5}Success, using SMC-R$/m);
    t.match(stdout, /^ {10}Version: 2\.[01]$/m);
    t.match(stdout, /^ {10}Device: rxelo port 1$/m);
    t.match(stdout, new RegExp(`^ {10}EID: ${UEID.replace('.', '\\.')}$`, 'm'));
    const found = await connect(guest, '127.0.0.1', { user: 'nobody' });
    t.match(found, { status: 0, mode: 'SMCR', ib_device: 'rxelo', eid: UEID, likely_cause: null });
    const groups = await guest.run('smcr -j linkgroup', { check: true });
    const { link_groups: known } = JSON.parse(groups.stdout) as {
      link_groups: { link_group_id: string; role: string }[];
    };
    t.equal(known.find(({ role }) => role === 'CLNT')?.link_group_id, found.link_group_id);
    const terminal = await guest.run('smc_chk -C 127.0.0.1', {
      tty: { columns: 100 },
      env: { TERM: 'xterm' },
    });
    t.match(terminal.stdout, /\x1b\[32mSuccess, using SMC-R\x1b\[39m/);
  });

  await t.test('IPv6, which SMC-R version 2 does not have', async (t) => {
    const found = await connect(guest, '[::1]:37373');
    t.match(found, { status: 3, mode: 'TCP', declined_by: 'local', cause: { name: 'NOSMCDEV' } });
    t.match(found.likely_cause, { at: 'local', text: /uses IPv6/, fix: /IPv4/ });
    const terminal = await guest.run('smc_chk -C ::1', { tty: { columns: 80 }, env: { TERM: 'xterm' } });
    t.match(terminal.stdout, /┌─.*┐/, 'a table on a terminal');
    for (const line of terminal.stdout.split('\n').filter((line) => line.includes('│')))
      t.ok(line.replace(/\x1b\[[0-9;]*m/g, '').trimEnd().length <= 80, line);
  });

  // in every run, test/smc/likely-cause.test.ts has the cause, and its fix
  await long(t, 'IPv4 by an IPv6 socket, which SMC-R version 2 takes since Linux 6.14', async (t) => {
    const found = await connect(guest, '::ffff:127.0.0.1');
    if (hasDibs) {
      t.match(found, { status: 0, mode: 'SMCR', likely_cause: null });
      return;
    }
    t.match(found, {
      status: 3,
      mode: 'TCP',
      declined_by: 'local',
      cause: { name: 'NOSMCDEV' },
      local: { address: '::ffff:127.0.0.1' },
    });
    t.match(found.likely_cause, {
      at: 'local',
      text: /^::ffff:127\.0\.0\.1 is an IPv4 address on an IPv6 socket/,
      fix: /Linux 6\.14 or later.*-Djava\.net\.preferIPv4Stack=true/,
    });
    t.match(await connect(guest, '127.0.0.1'), { status: 0, mode: 'SMCR' }, 'the same address, by IPv4');
  });

  await t.test('a peer without SMC', async (t) => {
    const web = await guest.start('exec python3 -m http.server -b 127.0.0.1 8080');
    await waitForListener(guest, 8080);
    const found = await connect(guest, '127.0.0.1:8080');
    t.match(found, { status: 3, mode: 'TCP', declined_by: 'nobody', cause: { name: 'PEERNOSMC' } });
    t.match(found.likely_cause, { at: 'local', text: /listens on port 8080 .* not started over SMC/ });
    t.equal(found.likely_cause?.fix, 'start it with smc_run');
    await stop(web);

    await guest.run('python3 -c "import socket; socket.create_connection((\'127.0.0.1\', 37373)).close()"', {
      check: true,
    });
  });

  // in every run, smc_chk-system.test.ts has such PNET IDs, and their fix
  await long(t, 'PNET IDs that do not match', async (t) => {
    await guest.run('smc_pnet -f && smc_pnet -a NETA -I lo && smc_pnet -a NETB -D rxelo', { check: true });
    const found = await connect(guest, '127.0.0.1');
    t.match(found, { status: 3, mode: 'TCP', declined_by: 'local', cause: { name: 'NOSMCDEV' } });
    t.match(found.likely_cause, { at: 'local', text: /no RDMA port has the PNET ID NETA of lo/ });
    t.equal((await guest.run('smc_chk -i lo')).stdout, 'NETA*\n');
    await guest.run('smc_pnet -f && smc_pnet -a NET1 -I lo -D rxelo', { check: true });
    t.match(await connect(guest, '127.0.0.1'), { status: 0, mode: 'SMCR' });
  });

  await t.test('what cannot be connected to is one line and status 1', async (t) => {
    await guest.run(
      'ip link add silent type dummy && ip address add 198.51.100.1/24 dev silent && ip link set silent up',
      { check: true },
    );
    const targets = [
      ['127.0.0.1:9', /^smc_chk: 127\.0\.0\.1:9: connection refused; /],
      ['198.51.100.2 --timeout 2', /^smc_chk: 198\.51\.100\.2:37373: no answer within 2 s; /],
      ['203.0.113.1', /^smc_chk: 203\.0\.113\.1:37373: the network is unreachable; /],
      ['no-such-host.invalid', /^smc_chk: the name no-such-host\.invalid /],
      ['fe80::1', /^smc_chk: \[fe80::1\]:37373: the address needs a scope/],
    ] as const;
    // two starts of Node each; in every run, test/commands/smc_chk.test.ts has a refused one
    for (const [target, text] of isLong ? targets : targets.slice(1, 3)) {
      const { status, stdout, stderr } = await guest.run(`smc_chk -C ${target}`);
      t.strictSame([status, stdout], [1, ''], target);
      t.match(stderr, text, target);
      t.match(stderr, /^[^\n]+\n$/, target);
    }
  });

  await long(t, 'a server in another network namespace', async (t) => {
    await guest.run(
      `ip netns add far && ip link add near0 type veth peer name far0 netns far &&
       ip address add 10.77.0.1/24 dev near0 && ip link set near0 up &&
       ip -n far address add 10.77.0.2/24 dev far0 && ip -n far link set far0 up && ip -n far link set lo up`,
      { check: true },
    );
    const far = await guest.start('exec ip netns exec far smc_chk -S');
    await waitFor(guest, `ip netns exec far ${listener(37_373)}`, { shows: '.' });
    const found = await connect(guest, '10.77.0.2');
    t.match(found, { status: 3, mode: 'TCP', declined_by: 'local', cause: { name: 'NOSMCDEV' } });
    t.match(found.likely_cause, { at: 'local', text: /near0/ });
    const inside = await guest.run('smc_chk -N far -C 10.77.0.2');
    t.equal(inside.status, 3);
    t.match(inside.stdout, /interfaces of the RDMA devices are in another network namespace/, '--netns');
    await waitForOutput(far, 'both reports', (text) => /^10\.77\.0\.2:/m.test(text));
    const { status, stdout } = await stop(far, 'SIGTERM');
    t.equal(status, 0);
    t.match(stdout, /^10\.77\.0\.1:\d+ TCP, declined by the peer: 0x05000000\/0x03030000 NOSMCDEV: /m);
  });

  await t.test('an ordinary user', async (t) => {
    await guest.run('smcd ueid flush', { check: true });
    const found = await connect(guest, '127.0.0.1', { user: 'nobody' });
    t.match(found, { status: 3, mode: 'TCP', likely_cause: { at: 'local', text: /no UEID/ } });
    await addUeid(guest);
  });

  await t.test('live test and static analysis of this host', async (t) => {
    const both = await guest.run('smc_chk -s -l lo');
    t.equal(both.status, 3, 'SMC-D is not there');
    t.match(both.stdout, /^Checking active link: {4}lo\n {2}Static Analysis \(SMC-D only, EXPERIMENTAL\)\n/);
    t.match(both.stdout, /^ {5}Configuration: {6}none for SMC-D$/m);
    t.match(both.stdout, /^ {2}Live test \(SMC-D and SMC-R, EXPERIMENTAL\)\n {5}Success, using SMC-R$/m);
    const other = await guest.run('smc_chk -l silent');
    t.equal(other.status, 3);
    t.match(other.stdout, /Failed {2}TCP fallback/);
    t.match(await guest.run('smc_chk -l nope'), {
      status: 2,
      stderr: /there is no interface nope; this network namespace has /,
    });
  });

  await t.test('the report of the server', async (t) => {
    const { status, stdout } = await stop(server);
    t.equal(status, 0, 'an interrupt ends it in good order');
    const seen = rows(stdout);
    t.ok(seen.length >= (isLong ? 11 : 7), `${seen.length} connections`);
    t.ok(seen.every(({ local }) => local.port === 37_373));
    t.match(seen[0], { mode: 'TCP', declined_by: 'peer', peer_diagnosis: { name: 'NOSMCDEV' } });
    t.match(seen[2], { mode: 'SMCR', ib_device: 'rxelo', eid: UEID });
    t.ok(
      seen.some(({ cause, likely_cause }) => cause?.name === 'PEERNOSMC' && likely_cause?.at === 'peer'),
      'a client without SMC that was gone at once',
    );
  });

  await long(t, 'many connections at once', async (t) => {
    const busy = await serve(guest, '-j -p 7100');
    await guest.run(
      `smc_run python3 -c "
import socket
all = [socket.socket() for _ in range(40)]
for one in all: one.connect(('127.0.0.1', 7100))
for one in all: one.close()
"`,
      { check: true },
    );
    const reported = await waitForOutput(busy, 'the report of 40 connections', (text) => {
      const found = rows(text);
      return found.length >= 40 && found;
    });
    t.equal(reported.length, 40);
    t.ok(reported.every(({ mode }) => mode === 'SMCR'));
    const second = await serve(guest, '-j -p 7100');
    t.equal(second.port, 7101, 'the next free port');
    t.equal((await stop(second)).status, 0);
    t.equal((await stop(busy)).status, 0);
  });

  await long(t, 'interrupted at each stage', async (t) => {
    await nothingIsLeft(t, guest, 'after all of the above');
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const connecting = await guest.start('exec smc_chk -d -C 198.51.100.2 --timeout 3600');
      await waitFor(guest, 'ss -Htn state syn-sent', { shows: '198.51.100.2' });
      t.equal((await stop(connecting, signal)).status, signal === 'SIGINT' ? 130 : 143);
      await nothingIsLeft(t, guest, `${signal} while connecting`);

      const starting = await guest.start('exec smc_chk -S -p 7200');
      starting.kill(signal);
      await starting.wait();
      await nothingIsLeft(t, guest, `${signal} at the start`);

      const serving = await serve(guest, '-p 7200');
      const client = await guest.start('exec smc_run python3 test/vm/programs/hold-connection.py 7200');
      await waitFor(guest, 'ss -Htn state established dport = :7200', { shows: '.' });
      t.equal((await stop(serving, signal)).status, 0);
      await stop(client);
      await nothingIsLeft(t, guest, `${signal} while a connection is open`);
    }
  });

  // a flood of connections; in every run, smcd-smcr.test.ts has the limit itself
  await long(t, 'handshakes that get no answer, and handshakes that are limited', async (t) => {
    await guest.run('smcd hs-limit enable', { check: true });
    // the SYN reaches port 7400; what SMC sends after it does not
    await guest.run(
      `modprobe -a sch_ingress cls_basic em_cmp act_gact && tc qdisc add dev lo clsact &&
       tc filter add dev lo egress protocol ip basic match \
         'cmp(u16 at 2 layer network gt 90) and cmp(u16 at 22 layer network eq 7400)' action drop`,
      { check: true },
    );
    // a listener keeps the limitation with which it was made
    const stuck = await serve(guest, '-p 7400');
    const limited = await serve(guest, '-j -p 7500');
    t.match(
      await connect(guest, '127.0.0.1:7500'),
      { status: 0, mode: 'SMCR' },
      'no difference without load',
    );
    t.match(await guest.run('smc_chk -C 127.0.0.1:7400 --timeout 3'), {
      status: 1,
      stderr: /^smc_chk: 127\.0\.0\.1:7400: TCP was connected, but the SMC handshake got no answer within 3/,
    });
    // More connections than the kernel works on at a time (256), to an address that never answers: each waits there for
    // its SYN to be answered, so the limitation is in force until the flood ends.
    await guest.run(
      'ip link add hole type dummy && ip address add 192.0.2.2/24 dev hole && ip link set hole up',
      { check: true },
    );
    const flood = await guest.start(`ulimit -n 8192; exec smc_run python3 -c "
import signal, socket
all = [socket.socket() for _ in range(300)]
for one in all:
    one.setblocking(False)
    one.connect_ex(('192.0.2.1', 7400))
print('flooded', flush=True)
signal.pause()
"`);
    await waitForOutput(flood, 'the flood of connections', (text) => text.includes('flooded'));
    // its SYN is answered at once; with the rest the kernel goes on when it has worked off the flood
    const late = connect(guest, '127.0.0.1:7500');
    await waitFor(guest, 'ss -Htn state established dport = :7500', { shows: '.' });
    await stop(flood, 'SIGTERM');
    const found = await late;
    t.match(found, { status: 3, mode: 'TCP', declined_by: 'nobody', cause: { name: 'PEERNOSMC' } });
    t.match(found.likely_cause, {
      at: 'local',
      text: /handshakes are limited/,
      fix: /smcd hs-limit disable/,
    });
    t.match(found.checks, [{ id: 'handshake-limit', status: 'warning' }]);
    t.match(rows((await stop(limited)).stdout)[1]?.likely_cause, {
      at: null,
      text: /handshakes are limited on this host/,
    });
    await stop(stuck);
  });
});

t.test('one host with SMC-D', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd' });
  t.teardown(() => guest.close());

  await t.test('a client that offers no enterprise ID', async (t) => {
    const server = await serve(guest, '-j -p 7301');
    const found = await connect(guest, '127.0.0.1:7301');
    const seen = await reportOf(server);
    t.match(found, {
      status: 3,
      reason: { name: 'PEERDECL' },
      cause: { name: 'NOUEID' },
      declined_by: 'peer',
    });
    t.match(found.likely_cause, { at: 'local', text: /^no UEID: /, fix: /^smcd ueid add NAME/ });
    t.match(seen, { mode: 'TCP', reason: { name: 'NOUEID' }, peer_diagnosis: null, declined_by: 'local' });
  });

  await addUeid(guest);
  const server = await serve(guest, '-j -6 -p 7300');
  const found = await connect(guest, '127.0.0.1:7300');
  t.match(found, { status: 0, mode: 'SMCD', version: 2, eid: UEID });
  t.match(await connect(guest, '::1 -p 7300'), { status: 0, mode: 'SMCD' }, 'IPv6');
  await waitForOutput(server, 'both reports', (text) => rows(text).length >= 2);
  const { stdout } = await stop(server);
  t.match(
    rows(stdout).map(({ mode, eid, gid, peer_gid }) => [mode, eid, gid, peer_gid]),
    [
      ['SMCD', UEID, found.peer_gid, found.gid],
      ['SMCD', UEID, found.peer_gid, found.gid],
    ],
    'both sides agree',
  );
  const analysis = await guest.run('smc_chk -s lo');
  t.equal(analysis.status, 0);
  t.match(analysis.stdout, /^ {5}Configuration: {6}SMC-Dv2 \(ISMv2 FID\(s\): loopback-ism\)$/m);
  t.match(analysis.stdout, new RegExp(`^ {5}Advertising UEIDs: {3}${UEID}$`, 'm'));
  t.match(analysis.stdout, /^ {5}Reachable subnets: {2}Any$/m);
});

// in every run, smcd-smcr.test.ts has a connection between two hosts
long(t, 'two hosts', async (t) => {
  const [left, right] = cable();
  const guests = await Promise.all([
    bootWithSuite({ kernel: '6.12', name: 'left', cable: left }),
    bootWithSuite({ kernel: '6.12', name: 'right', cable: right }),
  ]);
  t.teardown(() => Promise.all(guests.map((guest) => guest.close())));
  for (const guest of guests) {
    await setUpSmcR(guest, 'eth0');
    await addUeid(guest);
  }
  const ends = [
    [guests[0], guests[1], right.address],
    [guests[1], guests[0], left.address],
  ] as const;

  for (const [client, far, address] of ends)
    await t.test(`both sides agree on SMC-R, server ${address}`, async (t) => {
      const server = await serve(far, '-j');
      const found = await connect(client, address);
      const seen = await reportOf(server);
      t.match(found, { status: 0, mode: 'SMCR', version: 2, ib_device: 'rxeeth0', eid: UEID });
      t.match(seen, {
        mode: 'SMCR',
        version: 2,
        release: found.release,
        eid: UEID,
        gid: found.peer_gid,
        peer_gid: found.gid,
        local: found.peer,
        peer: found.local,
      });
    });

  await t.test('different UEIDs', async (t) => {
    await guests[1].run('smcd ueid flush && smcd ueid add ANOTHER.ONE', { check: true });
    for (const [client, far, address] of ends) {
      const server = await serve(far, '-j');
      const found = await connect(client, address);
      const seen = await reportOf(server);
      t.match(found, { status: 3, mode: 'TCP', reason: { name: 'PEERDECL' }, declined_by: 'peer' });
      t.match(seen, { mode: 'TCP', declined_by: 'local', peer_diagnosis: null });
      t.equal(found.cause?.name, seen?.cause?.name, 'both sides give the same reason');
      t.match(found.likely_cause, { at: 'peer', text: /UEIDs of the hosts differ/, fix: /smcd ueid add/ });
      t.match(seen?.likely_cause, { text: /UEIDs of the hosts differ/ });
      t.ok(found.checks.some(({ id, status }) => id === 'ueid' && status === 'pass'));
    }
  });

  await t.test('no UEID on one host', async (t) => {
    await guests[1].run('smcd ueid flush', { check: true });
    const server = await serve(guests[1], '-j');
    const found = await connect(guests[0], right.address);
    const seen = await reportOf(server);
    t.match(found, { status: 3, mode: 'TCP', declined_by: 'peer', likely_cause: { at: 'peer' } });
    t.match(seen, { mode: 'TCP', declined_by: 'local', likely_cause: { at: 'local', text: /no UEID/ } });
  });

  await t.test('a host without the service, and one that is gone', async (t) => {
    t.match(await guests[0].run(`smc_chk -C ${right.address}:9`), {
      status: 1,
      stderr: /connection refused/,
    });
    await guests[1].close();
    const { status, stderr } = await guests[0].run(`smc_chk -C ${right.address} --timeout 20`);
    t.equal(status, 1);
    t.match(stderr, /(no route to the host|no answer within 20 s)/);
  });
});
