// SPDX-License-Identifier: MIT
// smc_exporter against real kernels: what it serves is what the commands show.
import t from 'tap';
import { type Guest, setUpSmcR } from './guest.ts';
import { agrees, seriesOf } from './metrics.ts';
import { addUeid, bootWithSuite, echoPair, waitFor, waitForListener } from './suite.ts';

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
  await setUpSmcR(guest);
  await guest.run('smc_pnet -a NET1 -I lo -D rxelo', { check: true });
  await addUeid(guest);
  const pair = await echoPair(guest, { port: 7002 });

  await t.test('served is what the commands show', async (t) => {
    await agrees(t, guest, await scrape(guest));
    const metrics = await scrape(guest, '-sf --unix-socket /tmp/exporter http://localhost/metrics');
    t.ok(metrics.get('smc_traffic_bytes_total{technology="smcr",direction="tx"}')! >= 100_000);
    t.equal(metrics.get('smc_fallbacks_total{role="client"}'), 1);
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
    await waitFor(guest, 'modprobe -r smc_diag smc');
    const without = await scrape(guest);
    t.equal(without.get('smc_module_loaded{module="smc"}'), 0);
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
  const exporter = await guest.start('exec smc_exporter --timeout 60', { user: 'nobody' });
  await waitForListener(guest, 10043);
  await agrees(t, guest, await scrape(guest));
  const metrics = await scrape(guest);
  t.ok(metrics.get('smc_traffic_bytes_total{technology="smcd",direction="rx"}')! >= 100_000);
  t.equal(metrics.get('smc_link_groups{technology="smcd"}'), 2);
  t.ok(metrics.get('smc_buffers_in_use_bytes{technology="smcd",direction="rx"}')! > 0);
  await pair.stop();
  exporter.kill();
  t.equal((await exporter.wait()).status, 0);
});
