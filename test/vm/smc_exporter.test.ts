// SPDX-License-Identifier: MIT
// smc_exporter against real kernels: what it serves is what the commands show.
import t, { type Test } from 'tap';
import { type Guest, setUpSmcR } from './guest.ts';
import {
  addUeid,
  batch,
  bootWithSuite,
  echoPair,
  type JsonSocket,
  waitFor,
  waitForListener,
} from './suite.ts';

/** The statistics of `smcr -j stats`, as far as the tests use them. */
interface Statistics {
  connections: Record<'client' | 'server', { v1: number; v2: number }>;
  fallbacks: Record<
    'client' | 'server',
    { total: number; reasons: { name: string | null; count: number }[] }
  >;
  rx: { bytes: number; requests: number };
  tx: { bytes: number; requests: number };
}

const URL = 'http://127.0.0.1:10043/metrics';

/** Values by series, `name{label="value"}`. */
async function scrape(guest: Guest, words = `-sf ${URL}`): Promise<Map<string, number>> {
  const { stdout } = await guest.run(`curl ${words}`, { check: true });
  const lines = stdout.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(
    lines.map((line): [string, number] => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** What the commands say at the same time must be what was served. */
async function agrees(t: Test, guest: Guest): Promise<void> {
  const metrics = await scrape(guest);
  const answers = await batch(guest, [
    'smcr -j -a stats',
    'smcd -j -a stats',
    'smcss -j -a',
    'smcr -j linkgroup',
  ]);
  const [smcr, smcd, sockets, groups] = answers.map(({ stdout }) => JSON.parse(stdout));
  for (const [technology, { statistics }] of [
    ['smcr', smcr],
    ['smcd', smcd],
  ] as [string, { statistics: Statistics }][]) {
    for (const role of ['client', 'server'] as const)
      for (const version of ['1', '2'] as const)
        t.equal(
          metrics.get(
            `smc_connections_total{technology="${technology}",role="${role}",version="${version}"}`,
          ),
          statistics.connections[role][`v${version}`],
          `${technology} ${role} v${version}`,
        );
    for (const direction of ['rx', 'tx'] as const) {
      const labels = `{technology="${technology}",direction="${direction}"}`;
      t.equal(metrics.get(`smc_traffic_bytes_total${labels}`), statistics[direction].bytes, labels);
      t.equal(metrics.get(`smc_requests_total${labels}`), statistics[direction].requests, labels);
    }
  }
  for (const role of ['client', 'server'] as const) {
    const { total } = (smcr.statistics as Statistics).fallbacks[role];
    t.equal(metrics.get(`smc_fallbacks_total{role="${role}"}`), total, `fallbacks of ${role}s`);
  }
  const all = sockets.sockets as JsonSocket[];
  const isConnection = ({ state }: JsonSocket): boolean => state !== 'INIT' && state !== 'LISTEN';
  for (const mode of ['SMCR', 'SMCD', 'TCP'] as const)
    t.equal(
      metrics.get(`smc_open_connections{mode="${mode.toLowerCase()}"}`),
      all.filter((socket) => socket.mode === mode && isConnection(socket)).length,
      mode,
    );
  for (const group of groups.link_groups) {
    const labels = `{technology="smcr",lgr="${group.link_group_id}"}`;
    t.equal(metrics.get(`smc_link_group_connections${labels}`), group.connections, labels);
  }
  t.equal(metrics.get('smc_link_groups{technology="smcr"}'), groups.link_groups.length);
  const failed = [...metrics].filter(([series, value]) => /collector_success/.test(series) && value !== 1);
  t.strictSame(failed, []);
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
    await agrees(t, guest);
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
  await agrees(t, guest);
  const metrics = await scrape(guest);
  t.ok(metrics.get('smc_traffic_bytes_total{technology="smcd",direction="rx"}')! >= 100_000);
  t.equal(metrics.get('smc_link_groups{technology="smcd"}'), 2);
  t.ok(metrics.get('smc_buffers_in_use_bytes{technology="smcd",direction="rx"}')! > 0);
  await pair.stop();
  exporter.kill();
  t.equal((await exporter.wait()).status, 0);
});
