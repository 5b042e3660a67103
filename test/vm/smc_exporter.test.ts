// SPDX-License-Identifier: MIT
// smc_exporter against real kernels: what it serves is what the commands show.
import t from 'tap';
import { long } from '../helpers/long.ts';
import { waitUntil } from '../helpers/wait.ts';
import { type Guest, setUpSmcR } from './guest.ts';
import { agrees, seriesOf } from './metrics.ts';
import {
  addUeid,
  bootWithSuite,
  echoPair,
  kernelsOf,
  setUpAllOfSmcR,
  waitFor,
  waitForListener,
} from './suite.ts';

const URL = 'http://127.0.0.1:10043/metrics';

async function scrape(guest: Guest, words = `-sf ${URL}`): Promise<Map<string, number>> {
  return seriesOf((await guest.run(`curl ${words}`, { check: true })).stdout);
}

t.test('SMC-R and fallbacks', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12' });
  t.teardown(() => guest.close());
  await guest.run('modprobe -r smc_diag smc', { check: true });
  // as its unit runs it: without any privilege
  const exporter = await guest.start(
    'echo $$ >/tmp/pid; exec smc_exporter --timeout 60 -l 127.0.0.1:10043 -l unix:/tmp/exporter',
    {
      user: 'nobody',
    },
  );
  await waitForListener(guest, 10043);

  await t.test('smc is not loaded, and stays so', async (t) => {
    const metrics = await scrape(guest);
    t.equal(metrics.get('smc_module_loaded{module="smc"}'), 0);
    t.equal(metrics.get('smc_scrape_collector_success{collector="handshakes"}'), 1);
    t.notOk(metrics.has('smc_fallbacks_total{role="client"}'));
    t.equal((await guest.run('ls -d /sys/module/smc')).status, 2);
  });

  await guest.run('modprobe smc', { check: true });
  const fallen = await echoPair(guest, { port: 7001 });
  await setUpAllOfSmcR(guest);
  const pair = await echoPair(guest, { port: 7002 });

  await t.test('served is what the commands show', async (t) => {
    await agrees(t, guest, await scrape(guest));
    const metrics = await scrape(guest, '-sf --unix-socket /tmp/exporter http://localhost/metrics');
    t.ok(metrics.get('smc_traffic_bytes_total{technology="smcr",direction="tx"}')! >= 100_000);
    // on a busy machine, the first connections over SMC-R fall back, too
    t.ok(metrics.get('smc_fallbacks_total{role="client"}')! >= 1);
    t.equal(metrics.get('smc_open_connections{mode="smcr"}'), 2);
    t.equal(metrics.get('smc_port_active{device="rxelo",port="1"}'), 1);
    t.equal(metrics.get('smc_pnet_entries{kind="device"}'), 1);
    t.equal(metrics.get('smc_ueids'), 1);
    const links = [...metrics.keys()].filter((series) => series.startsWith('smc_link_active{'));
    t.equal(links.length, 2, 'a link of each group');
  });

  await t.test('root sees owners, and other namespaces', async (t) => {
    await guest.run('ip netns add blue', { check: true });
    const { stdout } = await guest.run('smc_exporter -1 -A --by comm --timeout 60', { check: true });
    t.match(stdout, /^smc_open_connections_by_comm\{netns="\d+",comm="node",mode="smcr"\} 2$/m);
    t.match(stdout, 'smc_fallbacks_total{netns="blue",role="client"} 0\n');
    t.match(stdout, 'smc_sysctl_wmem_bytes{netns="blue"} ');
    t.match(stdout, 'smc_link_groups{technology="smcr"} 2\n', 'of the host');
    t.match(stdout, 'smc_scrape_namespaces_missing 0\n');
    await guest.run('ip netns del blue', { check: true });
  });

  await fallen.stop();
  await pair.stop();

  await t.test('smc is unloaded and loaded under it', async (t) => {
    await guest.run('rdma link del rxelo', { check: true });
    // if the exporter lists sockets for its history when smc_diag is gone and smc is not yet, the kernel loads both again
    const without = await waitUntil('a scrape without smc', async () => {
      await waitFor(guest, 'modprobe -r smc_diag smc');
      const metrics = await scrape(guest);
      return metrics.get('smc_module_loaded{module="smc"}') === 0 && metrics;
    });
    t.notOk(
      [...without.keys()].some((series) => series.includes('_total')),
      'no counter goes down to 0',
    );
    await guest.run('modprobe smc', { check: true });
    const again = await scrape(guest);
    t.equal(again.get('smc_fallbacks_total{role="client"}'), 0, 'a reset');
    t.equal(again.get('smc_traffic_bytes_total{technology="smcr",direction="tx"}'), 0);
  });

  await t.test('SIGTERM', async (t) => {
    await guest.run('kill -TERM $(cat /tmp/pid)', { check: true });
    const { status, stderr } = await exporter.wait();
    t.equal(status, 0, stderr);
    t.equal((await guest.run('ls /tmp/exporter')).status, 2, 'its UNIX socket is removed');
  });
});

t.test('SMC-D', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd' });
  t.teardown(() => guest.close());
  await addUeid(guest);
  const pair = await echoPair(guest, { port: 7003 });
  const exporter = await guest.start('echo $$ >/tmp/pid; exec smc_exporter --timeout 60', { user: 'nobody' });
  await waitForListener(guest, 10043);
  await agrees(t, guest, await scrape(guest));
  const metrics = await scrape(guest);
  t.ok(metrics.get('smc_traffic_bytes_total{technology="smcd",direction="rx"}')! >= 100_000);
  t.equal(metrics.get('smc_link_groups{technology="smcd"}'), 2);
  t.ok(metrics.get('smc_buffers_in_use_bytes{technology="smcd",direction="rx"}')! > 0);

  // in every run, the tests of the command have as many in a made-up /proc, and test/bin/smc_exporter.test.ts has the server
  await long(t, '30,000 sockets', async (t) => {
    const count = 30_000;
    const protocol = 'smc_protocol_sockets{protocol="SMC"}';
    /** How many requests a scrape sends, and how many of them are for the sockets of SMC's family. */
    const requests = async (words: string): Promise<{ all: number; listings: number }> => {
      const command = `SMC_TOOLS_RECORD=/tmp/requests smc_exporter -1 --timeout 60 ${words} >/tmp/metrics`;
      await guest.run(command, { check: true });
      const counted = await guest.run(
        `grep -c '"request"' /tmp/requests; grep -cE '"protocol":4,"request":"[0-9a-f]{32}2b' /tmp/requests`,
      );
      const [all = 0, listings = 0] = counted.stdout.split('\n').map(Number);
      return { all, listings };
    };
    const few = await requests('');
    t.ok(few.listings > 0 && few.all > few.listings + 10, `${few.all} requests, ${few.listings} for sockets`);
    const holder = await guest.start(`exec python3 test/vm/programs/hold-sockets.py ${count}`);
    const all = metrics.get(protocol)! + count;
    await waitFor(guest, 'cat /proc/net/protocols', { shows: `^SMC +[0-9]+ +${all} ` });

    await t.test('are not listed by default, and the metrics say so', async (t) => {
      const many = await scrape(guest);
      t.equal(many.get(protocol), all);
      t.equal(many.get('smc_scrape_collector_skipped{collector="sockets"}'), 1);
      t.equal(many.get('smc_scrape_collector_success{collector="sockets"}'), 1);
      t.strictSame(
        [...many.keys()].filter((series) => /^smc_(?:sockets|open_)/.test(series)),
        [],
      );
      t.equal(metrics.get('smc_scrape_collector_skipped{collector="sockets"}'), 0, 'unlike before');
      const { all: sent, listings } = await requests('');
      t.equal(listings, 0, 'the kernel is not asked for them');
      t.equal(sent, few.all - few.listings, 'and for all else as often as before');
      t.ok((await requests('-c sockets')).listings > 0, 'but if that is wanted');
    });

    await t.test('are counted if that is wanted', async (t) => {
      const { stdout } = await guest.run('cat /tmp/metrics', { check: true });
      const lines = stdout.split('\n').filter((line) => /^smc_(?:sockets|open_connections)\{/.test(line));
      t.strictSame(lines.sort(), [
        'smc_open_connections{mode="smcd"} 2',
        'smc_open_connections{mode="smcr"} 0',
        'smc_open_connections{mode="tcp"} 0',
        'smc_sockets{state="ACTIVE",mode="smcd"} 2',
        `smc_sockets{state="INIT",mode="none"} ${count}`,
        'smc_sockets{state="LISTEN",mode="none"} 1',
      ]);
    });

    await t.test('memory stays the same over 1,000 scrapes', async (t) => {
      const scrapes = async (times: number): Promise<number> => {
        const { stdout } = await guest.run(
          `curl -sS -o /tmp/scraped -w '%{http_code}\\n' '${URL}?[1-${times}]' | sort | uniq -c
          sed -n 's/^VmRSS:\\t *\\([0-9]*\\) kB$/resident \\1/p' /proc/$(cat /tmp/pid)/status`,
          { check: true },
        );
        const [, answers, resident] = /^ *(\d+) 200\nresident (\d+)\n$/.exec(stdout) ?? [];
        t.equal(Number(answers), times, stdout);
        return Number(resident);
      };
      const before = await scrapes(100);
      const after = await scrapes(900);
      t.comment(`${before} kB after 100 scrapes, ${after} kB after 1,000`);
      // V8's young generation alone may grow by 32 MB; test/bin/smc_exporter.test.ts counts objects
      t.ok(after < before + 40_000, `${before} kB after 100 scrapes, ${after} kB after 1,000`);
    });

    holder.kill();
    await holder.wait();
  });

  await pair.stop();
  exporter.kill();
  t.equal((await exporter.wait()).status, 0);
});

// in every run, the recorded scene of 6.1 has what is served there
for (const kernel of kernelsOf('6.1'))
  long(t, `fallbacks on kernel ${kernel}`, async (t) => {
    const guest = await bootWithSuite({ kernel });
    t.teardown(() => guest.close());
    // handshakes over soft-RoCE may hang in it: without a UEID and a PNET ID there are none
    await setUpSmcR(guest);
    const pair = await echoPair(guest, { port: 7004 });
    await guest.run('smc_pnet -a NET1 -I lo -D rxelo', { check: true });
    const exporter = await guest.start('exec smc_exporter --timeout 60', { user: 'nobody' });
    await waitForListener(guest, 10043);
    const metrics = await scrape(guest);
    await agrees(t, guest, metrics);
    t.equal(metrics.get('smc_fallbacks_total{role="client"}'), 1);
    t.equal(metrics.get('smc_fallbacks_total{role="server"}'), 1);
    t.equal(metrics.get('smc_open_connections{mode="tcp"}'), 2);
    t.equal(metrics.get('smc_port_active{device="rxelo",port="1"}'), 1);
    t.equal(metrics.get('smc_pnet_entries{kind="device"}'), 1);
    await pair.stop();
    exporter.kill();
    t.equal((await exporter.wait()).status, 0);
  });
