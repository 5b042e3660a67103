// SPDX-License-Identifier: MIT
// SMC-D over loopback-ism: shared memory between two programs of one host.
import t from 'tap';
import { long } from '../helpers/long.ts';
import {
  addUeid,
  bootWithSuite,
  echoPair,
  fetchAndLook,
  iperf,
  on,
  sockets,
  waitFor,
  waitForListener,
} from './suite.ts';

t.test('SMC-D over loopback-ism, kernel 6.12', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd' });
  t.teardown(() => guest.close());
  const run = (command: string, options = {}) => guest.run(command, options);
  await addUeid(guest);

  await t.test('node echo pair', async (t) => {
    const pair = await echoPair(guest, { port: 7101, server: 'smc_run', client: 'smc_run' });
    t.match(pair.verdict, /^same /, 'data came back unchanged');
    const found = on(7101, await sockets(guest));
    t.strictSame(
      found.map(({ mode }) => mode),
      ['SMCD', 'SMCD'],
    );
    const [one, other] = found.map(({ dmb }) => dmb);
    t.equal(one?.['token'], other?.['peer_token'], 'each end knows the buffer of the other');
    t.equal(one?.['gid'], one?.['peer_gid'], 'loopback');
    t.match(one, { ext_gid: /^[0-9a-f]{16}$/, link_group_id: /^[0-9a-f]{8}$/ });
    t.match(
      (await run('smcss -D')).stdout,
      /^ACTIVE +00000 \d{7} 127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+ +0000 SMCD ([0-9a-f]{16} ){4}[0-9a-f]{8} $/m,
    );
    t.equal((await run('smcss -R')).stdout.split('\n').length, 2, 'no SMC-R sockets');
    await pair.stop();
  });

  await t.test('curl against a Python server', async (t) => {
    await run('mkdir /tmp/www && head -c 3000000 /dev/urandom >/tmp/www/file', { check: true });
    const server = await guest.start('cd /tmp/www && exec smc_run python3 -m http.server -b 127.0.0.1 7102');
    await waitForListener(guest, 7102);
    const fetched = await fetchAndLook(guest, 7102, 'smcss', ':7102 .*SMCD');
    t.match(fetched.stdout, /:7102 +0000 SMCD $/m);
    t.match(fetched.stdout, /^same$/m);
    server.kill();
    await server.wait();
  });

  await t.test('iperf3', async (t) => {
    const { stop } = await iperf(guest, 7103);
    const found = on(7103, await sockets(guest));
    t.ok(found.filter(({ mode }) => mode === 'SMCD').length >= 4, 'control and data connection, both ends');
    await stop();
  });

  // in every run, test/bin/constant-memory.test.ts does so with a made-up kernel
  await long(t, '30,000 sockets', async (t) => {
    const count = 30_000;
    const holder = await guest.start(`exec python3 test/vm/programs/hold-sockets.py ${count}`);
    await waitFor(guest, 'cat /proc/net/protocols', { shows: `^SMC .* ${count} ` });
    t.equal((await run('smcss -a | wc -l')).stdout.trim(), String(count + 1));
    t.equal((await run('smcss -aH | grep -c "^INIT  *00000 [0-9]* $"')).stdout.trim(), String(count));
    const json = await run('smcss -aj');
    t.equal((JSON.parse(json.stdout) as { sockets: unknown[] }).sockets.length, count);
    t.strictSame(await run('smcss -a | head -1 | cut -c1-5'), { status: 0, stdout: 'State\n', stderr: '' });
    t.equal(
      (await run('smcss -a | (sleep 12; cat) | wc -l')).stdout.trim(),
      String(count + 1),
      'a slow reader',
    );

    holder.kill();
    await holder.wait();
  });
});
