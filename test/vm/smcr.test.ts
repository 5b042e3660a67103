// SPDX-License-Identifier: MIT
// The main use on a real kernel: smc_run runs unchanged TCP programs over SMC-R, and smcss reports that, or why not.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { projectDirectory, setUpSmcR } from './guest.ts';
import {
  addUeid,
  batch,
  bootWithSuite,
  echoPair,
  fetchAndLook,
  firstOverSmcR,
  iperf,
  on,
  sockets,
  waitForListener,
  waitForOutput,
} from './suite.ts';

t.test('SMC-R over soft-RoCE, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12' });
  t.teardown(() => guest.close());
  const run = (command: string, options = {}) => guest.run(command, options);

  await t.test('without an RDMA device connections fall back, and the reason shows', async (t) => {
    const pair = await echoPair(guest, { port: 7001 });
    t.match(pair.verdict, /^same /);
    const found = on(7001, await sockets(guest));
    t.equal(found.length, 2);
    for (const { mode, fallback } of found) {
      t.equal(mode, 'TCP');
      t.equal(
        fallback?.reason.name === 'PEERDECL' ? fallback.peer_diagnosis?.name : fallback?.reason.name,
        'NOSMCDEV',
      );
    }
    const text = (await run('smcss')).stdout;
    // the client looks for a device and tells the server the result
    t.match(
      text,
      /^ACTIVE +00000 \d{7} 127\.0\.0\.1:7001 +127\.0\.0\.1:\d+ +0000 TCP 0x05000000\/0x03030000$/m,
    );
    t.match(text, /^ACTIVE +00000 \d{7} 127\.0\.0\.1:\d+ +127\.0\.0\.1:7001 +0000 TCP 0x03030000$/m);
    await pair.stop();
  });

  await setUpSmcR(guest);
  await run('smc_pnet -a NET1 -I lo -D rxelo', { check: true });

  await t.test('without an enterprise ID, too', async (t) => {
    const pair = await echoPair(guest, { port: 7002 });
    t.match(pair.verdict, /^same /);
    for (const { mode, fallback } of on(7002, await sockets(guest))) {
      t.equal(mode, 'TCP');
      t.match(fallback?.peer_diagnosis?.name ?? fallback?.reason.name, /^(NOUEID|NOSMCDEV|NOSMCRDEV)$/);
    }
    await pair.stop();
  });

  await addUeid(guest);
  await firstOverSmcR(guest);

  await t.test('node echo pair over SMC-R', async (t) => {
    const pair = await echoPair(guest, { port: 7003, server: 'smc_run', client: 'smc_run' });
    t.match(pair.verdict, /^same /, 'data came back unchanged');
    const found = on(7003, await sockets(guest));
    t.strictSame(
      found.map(({ mode }) => mode),
      ['SMCR', 'SMCR'],
    );
    t.strictSame(found.map(({ link }) => link?.role).sort(), ['CLNT', 'SERV']);
    for (const { link, connection, fallback, state } of found) {
      t.equal(state, 'ACTIVE');
      t.equal(link?.ib_device, 'rxelo');
      t.ok(Number(connection?.['rcvbuf_bytes']) >= 16_384);
      t.equal(fallback, null);
    }

    const row = 'ACTIVE +00000 \\d{7} 127\\.0\\.0\\.1:\\d+ +127\\.0\\.0\\.1:\\d+ +0000 SMCR ';
    t.match((await run('smcss')).stdout, new RegExp(`^${row}$`, 'm'));
    t.match(
      (await run('smcss -R')).stdout,
      new RegExp(
        `^${row}(CLNT|SERV) rxelo           01   [0-9a-f]{2}     [0-9a-f:]{39}  [0-9a-f:]{39}$`,
        'm',
      ),
    );
    t.match(
      (await run('smcss -d')).stdout,
      new RegExp(
        `^${row} <->  ([0-9a-f]{8} ){4}([0-9a-f]{4}:[0-9a-f]{8} ){2}[0-9a-f]{2}:[0-9a-f]{2}   `,
        'm',
      ),
    );
    const [answer] = await batch(guest, ['smcr -j linkgroup']);
    const groups = JSON.parse(answer!.stdout).link_groups as { link_group_id: string; role: string }[];
    const group = groups.find(({ role }) => role === 'SERV')?.link_group_id;
    for (const [filter, expected] of [
      ['ibdev rxelo', 2],
      ['ibdev != rxelo', 0],
      [`lgr ${group} sport 7003`, 1],
      [`lgr ${group} dport 7003`, 0],
    ] as const)
      t.equal(on(7003, await sockets(guest, filter)).length, expected, filter);

    t.equal((await run('smcss -D')).stdout.split('\n').length, 2, 'no SMC-D sockets');
    t.match((await run('smcss -l')).stdout, /^LISTEN +00000 \d{7} 127\.0\.0\.1:7003 {10}$/m);
    t.notMatch((await run('smcss -H')).stdout, /State/);
    t.equal(
      (await run('smcss', { user: 'nobody' })).stdout,
      (await run('smcss')).stdout,
      'seen by ordinary users',
    );

    const seen = await run("script -qec 'stty cols 200; smcss' /dev/null", { env: { TERM: 'xterm' } });
    t.match(seen.stdout, /\x1b\[32mSMCR \x1b\[39m/, 'coloured on a terminal');
    const plain = await run("script -qec 'smcss' /dev/null", { env: { TERM: 'xterm', NO_COLOR: '1' } });
    t.notMatch(plain.stdout, /\x1b/, 'NO_COLOR');
    await pair.stop();
  });

  await t.test('a peer without SMC', async (t) => {
    const pair = await echoPair(guest, { port: 7004, client: 'env' });
    t.match(pair.verdict, /^same /);
    const [server, ...others] = on(7004, await sockets(guest));
    t.equal(others.length, 0, 'the client has no SMC socket');
    t.equal(server?.fallback?.reason.code, '0x03010000');
    t.equal(server?.fallback?.reason.name, 'PEERNOSMC');
    const seen = await run('script -qec smcss /dev/null', { env: { TERM: 'xterm' } });
    t.match(
      seen.stdout,
      /0x03010000 {2}PEERNOSMC: the peer did not offer SMC; start the peer program over SMC/,
    );
    await pair.stop();
  });

  await t.test('iperf3', async (t) => {
    const { stop } = await iperf(guest, 7005);
    const found = on(7005, await sockets(guest));
    t.ok(found.filter(({ mode }) => mode === 'SMCR').length >= 4, 'control and data connection, both ends');
    await stop();
  });

  await t.test('curl against a Python server', async (t) => {
    await run('mkdir /tmp/www && head -c 3000000 /dev/urandom >/tmp/www/file', { check: true });
    const server = await guest.start(
      'cd /tmp/www && exec smc_run -d python3 -m http.server -b 127.0.0.1 7006',
    );
    await waitForListener(guest, 7006);
    const fetched = await fetchAndLook(guest, 7006, 'smcss -R', ':7006 .*CLNT');
    t.match(fetched.stdout, /:7006 +.*SMCR CLNT rxelo/);
    t.match(fetched.stdout, /^same$/m);
    server.kill();
    const { stderr } = await server.wait();
    t.match(stderr, /^libsmc-preload: /m, '-d reports the conversion');
  });

  await t.test('IPv6: any-address and mapped addresses', async (t) => {
    const server = await guest.start('exec smc_run node test/vm/programs/echo-server.mjs 7007 ::');
    const narrow = await guest.start('exec smc_run node test/vm/programs/echo-server.mjs 7008 0.0.0.0');
    await waitForListener(guest, 7007);
    await waitForListener(guest, 7008);
    const listening = await run('smcss -l');
    t.match(listening.stdout, /^LISTEN +00000 \d{7} :::7007 {17}$/m);
    t.match(listening.stdout, /^LISTEN +00000 \d{7} 0\.0\.0\.0:7008 {12}$/m);
    const families = new Map((await sockets(guest, '-l')).map(({ local, family }) => [local.port, family]));
    t.equal(families.get(7007), 'ipv6');
    t.equal(families.get(7008), 'ipv4');
    server.kill();
    narrow.kill();
    await Promise.all([server.wait(), narrow.wait()]);
  });

  await t.test('IPPROTO_SMC sockets get their addresses from their TCP twins', async (t) => {
    const holder = await guest.start('exec python3 test/vm/programs/ipproto-smc.py 7009');
    // TCP is connected before SMC is
    await waitForOutput(holder, 'the connection', (text) => text.includes('connected'));
    const found = on(7009, await sockets(guest, '-a'));
    t.equal(found.length, 3, 'listener, client, accepted child');
    for (const { local, family, state } of found) {
      t.equal(local.address, '127.0.0.1', state);
      t.equal(family, 'ipv4');
    }
    t.match((await run('smcss -a')).stdout, /^LISTEN +00000 \d{7} 127\.0\.0\.1:7009 {10}$/m);
    holder.kill();
    await holder.wait();
  });

  await t.test('the table of the preload library, against real AF_SMC', async (t) => {
    // seccomp.test.ts, which may run at the same time, has one of its own
    const tester = join(projectDirectory, 'build/preload-tester-smcr');
    mkdirSync(join(projectDirectory, 'build'), { recursive: true });
    execFileSync('cc', ['-O2', '-pthread', '-o', tester, 'test/native/preload-tester.c'], {
      cwd: projectDirectory,
    });
    const library = join(projectDirectory, 'dist/native/libsmc-preload.so');
    for (const part of ['table', 'sizes', 'storm']) {
      const { stdout, status } = await run(`LD_PRELOAD=${library} ${tester} --expect converted ${part}`);
      t.equal(status, 0, part);
      t.match(stdout, /^ok 1 /m);
      t.notMatch(stdout, /^not ok/m);
    }
  });

  await t.test(
    'buffer sizes reach converted sockets, and the limit of the host is lifted for root only',
    async (t) => {
      // kernels 7.x begin with 4 MiB
      const limit = 212_992;
      await run(`sysctl -qw net.core.rmem_max=${limit}`, { check: true });
      const asUser = await run(`smc_run -r ${limit + 1} true`, { user: 'nobody' });
      t.strictSame(asUser, {
        status: 0,
        stdout: '',
        stderr: `smc_run: buffers are capped at net.core.rmem_max = ${limit} bytes; as root: sysctl -w net.core.rmem_max=${limit + 1}\n`,
      });
      const script =
        'import socket as s; a=s.socket(); b=s.socket(s.AF_INET,s.SOCK_DGRAM); print(a.getsockopt(1,8), b.getsockopt(1,8))';
      const [, plainUdp] = (await run(`python3 -c '${script}'`)).stdout.trim().split(' ');
      const raised = await run(`smc_run -r 1m python3 -c '${script}'`);
      t.equal(raised.stdout, `${2 * 1_048_576} ${plainUdp}\n`, 'doubled by the kernel; UDP untouched');
      t.equal(
        raised.stderr,
        `smc_run: net.core.rmem_max raised from ${limit} to 1048576 bytes, for the whole host until it reboots\n`,
      );
      t.equal((await run(`smc_run -r 1m true`)).stderr, '', 'nothing to raise the second time');
    },
  );
});
