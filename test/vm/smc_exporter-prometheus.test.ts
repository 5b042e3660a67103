// SPDX-License-Identifier: MIT
// A real Prometheus scrapes smc_exporter for a minute, with the examples, while SMC-R and SMC-D connections move data and
// others fall back. What it then answers is what the commands show, and what was sent.
// Long: a minute and more, most of it for QEMU. In every run, smc_exporter.test.ts compares what is served with the commands,
// and test/with-packages/prometheus.test.ts has a Prometheus scrape made-up and recorded hosts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Guest, projectDirectory, setUpSmcR } from './guest.ts';
import {
  addUeid,
  batch,
  bootWithSuite,
  firstOverSmcR,
  type JsonSocket,
  LOOPBACK,
  sockets,
  UEID,
  waitFor,
  waitForListener,
  waitForOutput,
} from './suite.ts';

const EXPORTER = 10043;
const PROMETHEUS = 9090;
const TRAFFIC = 9200;
const SECONDS = 60;

type Labels = Record<string, string>;

/** A series of Prometheus: one value, or those of a time. */
interface Series {
  metric: Labels;
  value: [time: number, value: string];
  values: [time: number, value: string][];
}

interface Rule {
  name: string;
  type: 'recording' | 'alerting';
  health: string;
  lastError?: string;
}

interface Alert {
  state: 'pending' | 'firing';
  labels: Labels;
}

/** What the driver of the traffic answers at a path; see test/vm/programs/scraped-traffic.py. */
const traffic = (guest: Guest, path: string) =>
  guest.run(`curl -sSf http://127.0.0.1:${TRAFFIC}${path}`, { check: true });

async function api<T>(guest: Guest, path: string, parameters: Labels = {}): Promise<T> {
  const words = Object.entries(parameters).map(([name, value]) => ` --data-urlencode '${name}=${value}'`);
  const { stdout } = await guest.run(
    `curl -sS -G http://127.0.0.1:${PROMETHEUS}/api/v1/${path}${words.join('')}`,
    { check: true },
  );
  const answer = JSON.parse(stdout) as { status: string; error?: string; data: T };
  if (answer.status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${answer.error}`);
  return answer.data;
}

const query = async (guest: Guest, expression: string, time?: number): Promise<Series[]> => {
  const parameters = { query: expression, ...(time !== undefined && { time: String(time) }) };
  return (await api<{ result: Series[] }>(guest, 'query', parameters)).result;
};

/** A series with its value, as `name{label="value"} 1`. Prometheus has no order of labels, and no empty ones. */
function line(name: string, labels: Labels, value: unknown): string {
  const all = Object.entries(labels)
    .filter(([, text]) => text !== '')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([label, text]) => `${label}="${text}"`);
  return `${name}{${all.join(',')}} ${Number(value)}`;
}

/** A document of a command. */
// biome-ignore lint/suspicious/noExplicitAny: documents are checked field by field
type Document = any;

const CLASSES = ['8K', '16K', '32K', '64K', '128K', '256K', '512K', '1024K', 'larger'] as const;

/** What `smcr -j -a stats` or `smcd -j -a stats` says, as series. */
function seriesOfStatistics(technology: string, { statistics }: Document): string[] {
  const lines: string[] = [];
  for (const role of ['client', 'server'])
    for (const version of ['1', '2'])
      lines.push(
        line(
          'smc_connections_total',
          { technology, role, version },
          statistics.connections[role][`v${version}`],
        ),
      );
  for (const direction of ['rx', 'tx']) {
    const { bytes, requests, ...counted } = statistics[direction];
    const labels = { technology, direction };
    const events = counted.buffer_events;
    lines.push(
      line('smc_traffic_bytes_total', labels, bytes),
      line('smc_requests_total', labels, requests),
      line('smc_request_size_bytes_sum', labels, bytes),
      line('smc_buffers_in_use_bytes', labels, counted.buffer_usage_bytes),
      line('smc_buffers_reused_total', labels, events.reused),
      line('smc_buffers_allocated_total', labels, events.allocated),
      line('smc_buffers_downgraded_total', labels, events.downgraded),
    );
    for (const [side, suffix] of [
      ['own', ''],
      ['peer', '_peer'],
    ])
      lines.push(
        line('smc_buffer_too_small_total', { ...labels, side: side! }, events[`too_small${suffix}`]),
        line('smc_buffer_full_total', { ...labels, side: side! }, events[`full${suffix}`]),
      );
    for (const [name, counts] of [
      ['smc_request_size_bytes', counted.request_sizes],
      ['smc_buffer_size_bytes', counted.buffer_sizes],
    ]) {
      let total = 0;
      for (const [at, size] of CLASSES.entries()) {
        total += counts[size];
        const le = size === 'larger' ? '+Inf' : String(2 ** (13 + at));
        lines.push(line(`${name}_bucket`, { ...labels, le }, total));
      }
      lines.push(line(`${name}_count`, labels, total));
    }
  }
  for (const [call, count] of Object.entries(statistics.special_calls))
    lines.push(line('smc_special_calls_total', { technology, call }, count));
  return lines;
}

/** What both kinds of statistics have. */
function seriesOfFallbacks({ statistics }: Document, sideOf: (reason: string) => string): string[] {
  return ['client', 'server'].flatMap((role) => [
    line('smc_fallbacks_total', { role }, statistics.fallbacks[role].total),
    line('smc_handshake_errors_total', { role }, statistics.handshake_errors[role]),
    ...statistics.fallbacks[role].reasons.map(({ name, count }: Document) =>
      line('smc_fallback_reasons_total', { role, reason: name, side: sideOf(name) }, count),
    ),
  ]);
}

/** Counts values. */
function tally<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** What `smcss -j -a` lists, as series. */
function seriesOfSockets(all: readonly JsonSocket[]): string[] {
  const kinds = tally(all.map(({ state, mode }) => `${state} ${mode?.toLowerCase() ?? 'none'}`));
  const connections = all.filter(({ state }) => state !== 'INIT' && state !== 'LISTEN');
  const fallbacks = tally(
    all.flatMap(({ fallback }) => {
      if (!fallback) return [];
      const { reason, peer_diagnosis: peer } = fallback;
      return [peer ? `${peer.name} peer` : `${reason.name} own`];
    }),
  );
  return [
    ...[...kinds].map(([kind, count]) => {
      const [state = '', mode = ''] = kind.split(' ');
      return line('smc_sockets', { state, mode }, count);
    }),
    ...['SMCR', 'SMCD', 'TCP'].map((wanted) =>
      line(
        'smc_open_connections',
        { mode: wanted.toLowerCase() },
        connections.filter(({ mode }) => mode === wanted).length,
      ),
    ),
    ...[...fallbacks].map(([key, count]) => {
      const [reason = '', by = ''] = key.split(' ');
      return line('smc_open_fallbacks', { reason, found_by: by }, count);
    }),
  ];
}

function seriesOfLinkGroups(technology: string, { link_groups: groups }: Document): string[] {
  const text = (value: unknown): string => String(value ?? '');
  return [
    line('smc_link_groups', { technology }, groups.length),
    line('smc_link_groups_without_series', { technology }, 0),
    ...groups.flatMap((group: Document) => {
      const lgr = group.link_group_id;
      const labels = { technology, lgr };
      const about = {
        role: text(group.role),
        type: text(group.type),
        version: text(group.version),
        pnetid: text(group.pnet_id),
        vlan: group.vlan_id === 0 ? '' : text(group.vlan_id),
        peer_host: text(group.peer_host),
        eid: text(group.eid),
      };
      const links = group.links ?? [];
      const inState = (state: string) =>
        links.filter((link: Document) => link.state === `LINK_${state.toUpperCase()}`).length;
      return [
        line('smc_link_group_info', { ...labels, ...about }, 1),
        line('smc_link_group_connections', labels, group.connections),
        line('smc_link_group_send_buffer_bytes', labels, group.sndbuf_bytes),
        line('smc_link_group_receive_buffer_bytes', labels, group.rmb_bytes ?? group.dmb_bytes),
        ...(technology === 'smcr'
          ? [
              line('smc_link_group_max_connections', labels, group.max_connections),
              ...['active', 'activating'].map((state) =>
                line('smc_link_group_links', { lgr, state }, inState(state)),
              ),
            ]
          : []),
        ...links.flatMap((link: Document) => {
          const of = {
            lgr,
            link: String(Number.parseInt(link.link_id, 16)),
            device: link.ib_device,
            port: String(link.ib_port),
          };
          return [
            line('smc_link_active', of, link.state === 'LINK_ACTIVE'),
            line('smc_link_connections', of, link.connections),
          ];
        }),
      ];
    }),
  ];
}

function seriesOfDevices({ devices }: Document): string[] {
  return devices.flatMap((port: Document) => {
    const labels = { device: port.ib_device, port: String(port.ib_port) };
    return [
      line('smc_port_active', labels, port.state === 'ACTIVE'),
      line('smc_port_links', labels, port.links),
      line(
        'smc_port_info',
        {
          ...labels,
          ifindex: String(port.interface_index ?? ''),
          pnetid: port.pnet_id ?? '',
          pnetid_by: port.pnet_id === null ? '' : port.pnet_id_by_user ? 'user' : 'hardware',
          pci_id: port.pci_id ?? '',
        },
        1,
      ),
      line('smc_device_critical', { technology: 'smcr', device: port.ib_device }, port.critical),
    ];
  });
}

function seriesOfSettings(
  { pnet_table: entries }: Document,
  { ueids }: Document,
  { sysctls }: Document,
  { hs_limit: limit }: Document,
  { seid }: Document,
): string[] {
  const kinds = tally(entries.map(({ kind }: Document) => kind));
  const units: Labels = { bytes: '_bytes', seconds: '_seconds' };
  return [
    ...['ethernet', 'device'].map((kind) => line('smc_pnet_entries', { kind }, kinds.get(kind) ?? 0)),
    ...entries.map(({ pnet_id: pnetid, kind, ...entry }: Document) =>
      line(
        'smc_pnet_entry_info',
        { pnetid, kind, name: entry.interface ?? entry.ib_device, port: String(entry.ib_port ?? '') },
        1,
      ),
    ),
    line('smc_ueids', {}, ueids.length),
    ...ueids.map((eid: string) => line('smc_eid_info', { eid, kind: 'ueid' }, 1)),
    ...sysctls
      .filter(({ value }: Document) => typeof value === 'number')
      .map(({ name, unit, value }: Document) => line(`smc_sysctl_${name}${units[unit] ?? ''}`, {}, value)),
    line('smc_handshake_limitation_enabled', {}, limit.enabled),
    ...(seid.enabled === null ? [] : [line('smc_seid_enabled', {}, seid.enabled)]),
  ];
}

/** Metrics of what no command shows, or of the exporter itself; they are looked at one by one. */
const OF_THEIR_OWN =
  /^smc_(?:exporter_build_info|scrape_.*|protocol_sockets|module_loaded|system_info|link_groups_missing)$/;

/** Starts a server as an ordinary user. */
const asNobody = (guest: Guest, command: string) => guest.start(`exec ${command}`, { user: 'nobody' });

t.test('a minute of Prometheus', async (t) => {
  const guest = await bootWithSuite({ kernel: '6.12-smcd' });
  t.teardown(() => guest.close());
  const driver = await guest.start(`exec python3 test/vm/programs/scraped-traffic.py ${TRAFFIC}`);
  const exporter = await asNobody(guest, 'smc_exporter --timeout 60');

  // a port that is down, since its interface is
  await guest.run('ip link add d0 type dummy && rdma link add rxed0 type rxe netdev d0', { check: true });
  await setUpSmcR(guest);
  await guest.run('smc_pnet -a NET1 -I lo -D rxelo && smc_pnet -a NET2 -D rxed0', { check: true });
  await addUeid(guest);
  await waitForOutput(driver, 'the driver of the traffic', (stdout) => stdout.includes('listening'));
  await traffic(guest, '/open/smcd');
  // a network that this host is not in
  await batch(guest, [`smc_pnet -a ELSEWHERE -D ${LOOPBACK}`]);
  await firstOverSmcR(guest);
  await traffic(guest, '/open/smcr');
  await batch(guest, ['smc_pnet -d ELSEWHERE', 'smcd ueid flush']);
  await traffic(guest, '/fall');
  const modes = tally((await sockets(guest)).map(({ mode, fallback }) => fallback?.reason.name ?? mode));
  t.strictSame(
    Object.fromEntries([...modes].sort()),
    { NOUEID: 1, PEERDECL: 1, PEERNOSMC: 3, SMCD: 2, SMCR: 2 },
    'data over both, and fallbacks that either side found',
  );

  await waitForListener(guest, EXPORTER);
  const url = `http://127.0.0.1:${EXPORTER}/metrics`;
  // A scrape must be done before the next one, however slow this machine is. It can come while the history is read, which
  // takes as long as the page. The first scrapes take longer than others.
  const { stdout: taken } = await guest.run(
    `for path in metrics metrics metrics ''; do
      curl -sSf -o /tmp/answer -w '%{time_total}\\n' http://127.0.0.1:${EXPORTER}/$path
    done | tail -2`,
    { check: true },
  );
  const [scrape = 0, page = 0] = taken.split('\n').map(Number);
  const pause = Math.max(5, Math.ceil(10 * scrape), Math.ceil(5 * page));
  const configuration = readFileSync(join(projectDirectory, 'examples/prometheus/prometheus.yml'), 'utf8')
    .replaceAll('interval: 30s', `interval: ${pause}s`)
    .concat(`\n  - job_name: traffic\n    static_configs:\n      - targets: ["127.0.0.1:${TRAFFIC}"]\n`);
  await guest.run('cp -r examples/prometheus /tmp/examples && mkdir -m 777 /tmp/data', { check: true });
  await guest.writeFile('/tmp/examples/prometheus.yml', configuration);
  const prometheus = await asNobody(
    guest,
    `prometheus --log.level=debug --config.file=/tmp/examples/prometheus.yml --storage.tsdb.path=/tmp/data --web.listen-address=127.0.0.1:${PROMETHEUS} 2>&1`,
  );
  await waitForListener(guest, PROMETHEUS);
  await traffic(guest, '/scrapes/2');
  const rounds = Math.ceil(SECONDS / pause) + 1;
  await traffic(guest, `/traffic/${rounds}`);
  await traffic(guest, `/scrapes/${rounds}`);
  await addUeid(guest);
  await batch(guest, ['smcd hs-limit enable']);
  // between two scrapes of the traffic is one of each other target, and an evaluation of the rules
  await traffic(guest, '/scrapes/3');

  const scraped = await query(guest, '{job=~"smc|traffic"}[1h]');
  const metrics = scraped.filter(
    ({ metric }) => metric['job'] === 'smc' && metric['__name__']!.startsWith('smc_'),
  );
  const named = (name: string, labels: Labels = {}): Series[] =>
    scraped.filter(({ metric }) =>
      Object.entries({ __name__: name, ...labels }).every(([label, value]) => metric[label] === value),
    );
  const [ended = 0] = named('test_ended_time_seconds').map(({ values }) => Number(values.at(-1)![1]));

  await t.test('each scrape of a minute or more succeeded', async (t) => {
    const ups = named('up', { job: 'smc' });
    t.equal(ups.length, 1);
    const [{ values }] = ups as [Series];
    const failures = (await prometheus.output())
      .split('\n')
      .filter((text) => /Scrape failed|append failed/.test(text));
    t.strictSame(failures, []);
    t.strictSame([...new Set(values.map(([, value]) => value))], ['1']);
    t.ok(values.at(-1)![0] - values[0]![0] >= SECONDS, `${values.length} scrapes`);
    t.ok(values.filter(([time]) => time > ended).length >= 2, 'and some after the end of the traffic');
    t.comment(`${values.length} scrapes ${pause} s apart`);
    const { activeTargets } = await api<{ activeTargets: Document[] }>(guest, 'targets');
    t.strictSame(
      activeTargets.map(({ labels, health, lastError }) => [labels.job, health, lastError]).sort(),
      [
        ['smc', 'up', ''],
        ['traffic', 'up', ''],
      ],
    );
    const { stdout } = await guest.run(`curl -sSf http://127.0.0.1:${PROMETHEUS}/metrics`, { check: true });
    const refused = [
      ...stdout.matchAll(
        /^(prometheus_(?:target_scrapes?|rule_evaluation_failures)_\S*?)(?:\{.*\})? (\S+)$/gm,
      ),
    ].filter(([, name = '']) => /duplicate|out_of_order|out_of_bounds|exceeded|failures/.test(name));
    t.ok(refused.length >= 6, 'what Prometheus did not take is counted');
    for (const [, name = '', count] of refused) t.equal(count, '0', name);
    const failed = named('smc_scrape_collector_success').flatMap((series) =>
      series.values.filter(([, value]) => value !== '1').map(() => series.metric['collector']),
    );
    t.strictSame(failed, [], 'the kernel answered each time');
  });

  await t.test('the values are those of the commands', async (t) => {
    const outcomes = await batch(guest, [
      'smcr -j -a stats',
      'smcd -j -a stats',
      'smcss -j -a',
      'smcr -j linkgroup',
      'smcd -j linkgroup',
      'smcr -j device',
      'smc_pnet -j',
      'smcd -j ueid',
      'smcd -j sysctl',
      'smcd -j hs-limit',
      'smcd -j seid',
      'smcr -j info',
    ]);
    const documents = outcomes.map(({ stdout }) => JSON.parse(stdout));
    const [smcr, smcd, table, smcrGroups, smcdGroups, devices, pnet, ueids, sysctls, limit, seid, info] =
      documents;
    const sides: Labels = { PEERNOSMC: 'nobody', PEERDECL: 'peer', NOUEID: 'server' };
    const expected = [
      ...seriesOfStatistics('smcr', smcr),
      ...seriesOfStatistics('smcd', smcd),
      ...seriesOfFallbacks(smcr, (reason) => sides[reason] ?? reason),
      ...seriesOfSockets(table.sockets),
      ...seriesOfLinkGroups('smcr', smcrGroups),
      ...seriesOfLinkGroups('smcd', smcdGroups),
      ...seriesOfDevices(devices),
      ...seriesOfSettings(pnet, ueids, sysctls, limit, seid),
    ].sort();
    // what was scraped last, and nothing that has been gone since then
    const last = named('up', { job: 'smc' })[0]!.values.at(-1)![0];
    const current = metrics.filter(({ values }) => values.at(-1)![0] === last);
    const lines = current
      .map(({ metric: { __name__: name = '', job: _, instance: __, ...labels }, values }) => ({
        name,
        text: line(name, labels, values.at(-1)![1]),
      }))
      .sort((one, other) => (one.text < other.text ? -1 : 1));
    t.strictSame(
      lines.filter(({ name }) => !OF_THEIR_OWN.test(name)).map(({ text }) => text),
      expected,
    );
    t.ok(expected.length > 200, `${expected.length} values`);
    const others = lines
      .filter(({ name }) => OF_THEIR_OWN.test(name) && !/_seconds|build_info/.test(name))
      .map(({ text }) => text);
    const { stdout: protocols } = await guest.run('cat /proc/net/protocols', { check: true });
    for (const [, name = '', count] of protocols.matchAll(/^((?:INET6?_)?SMC6?) +\d+ +(\d+)/gm))
      t.ok(others.includes(line('smc_protocol_sockets', { protocol: name }, count)), name);
    for (const module of ['smc', 'smc_diag'])
      t.ok(others.includes(line('smc_module_loaded', { module }, 1)), module);
    const [version = '', release = ''] = info.info.version.split('.');
    t.ok(
      others.includes(line('smc_system_info', { version, release, smcd_version: '2', smcr_version: '2' }, 1)),
      'version',
    );
    t.ok(others.includes(line('smc_link_groups_missing', {}, 0)));
    t.match(ueids.ueids, [UEID]);
  });

  await t.test('what grew in that minute is what was sent', async (t) => {
    const [{ values }] = named('up', { job: 'smc' }) as [Series];
    const [first, last] = [values[0]![0], values.at(-1)![0]];
    // A window with exactly these scrapes: Prometheus extrapolates to its ends, which are at the first and the last one.
    const window = `${Math.round((last - first) * 1000) + 1}ms`;
    const increase = async (what: string): Promise<number> => {
      const [series, ...rest] = await query(guest, `sum(increase(${what}[${window}]))`, last);
      t.strictSame(rest, []);
      return Number(series?.value[1]);
    };
    for (const technology of ['smcr', 'smcd']) {
      const [{ values: sent }] = named('test_sent_bytes_total', { technology }) as [Series];
      const bytes = Number(sent.at(-1)![1]) - Number(sent[0]![1]);
      t.equal(bytes, rounds * 2 * 8 * 16_000, 'in each round, both ends send as much');
      for (const direction of ['tx', 'rx']) {
        const series = `smc_traffic_bytes_total{technology="${technology}",direction="${direction}"}`;
        const grown = await increase(series);
        t.ok(Math.abs(grown - bytes) <= bytes / 1000, `${series}: ${grown} of ${bytes}`);
        const [rate] = await query(guest, `rate(${series}[${window}])`, last);
        const seconds = last - first;
        t.ok(
          Math.abs(Number(rate?.value[1]) * seconds - bytes) <= bytes / 1000,
          `${series}: ${rate?.value[1]} bytes per second for ${seconds} s`,
        );
      }
    }
    for (const [labels, each] of [
      ['role="client",reason="PEERNOSMC"', 2],
      ['role="server",reason="PEERNOSMC"', 1],
      ['role="server",reason="NOUEID"', 1],
      ['role="client",reason="PEERDECL"', 1],
    ] as const) {
      const grown = await increase(`smc_fallback_reasons_total{${labels}}`);
      t.equal(Math.round(grown), each * rounds, labels);
    }
    const bySide = await Promise.all(
      ['client', 'server'].map((role) => increase(`smc_fallbacks_total{role="${role}"}`)),
    );
    t.strictSame(
      bySide.map((grown) => Math.round(grown)),
      [3 * rounds, 2 * rounds],
    );
  });

  await t.test('rules and alerts', async (t) => {
    const { groups } = await api<{ groups: { rules: Rule[] }[] }>(guest, 'rules');
    const rules = groups.flatMap(({ rules: some }) => some);
    t.ok(rules.length > 15);
    for (const { name, health, lastError } of rules) t.equal(health, 'ok', `${name}: ${lastError ?? 'ok'}`);
    const recorded = await query(guest, '{__name__=~"instance.*:.*"}');
    const names = rules.filter(({ type }) => type === 'recording').map(({ name }) => name);
    t.strictSame([...new Set(recorded.map(({ metric }) => metric['__name__']))].sort(), names.sort());
    const ratio = recorded.filter(
      ({ metric }) => metric['__name__'] === 'instance:smc_fallback:ratio_rate5m',
    );
    t.match(
      ratio.map(({ value }) => Number(value[1])),
      [1],
      'no connection of that minute became SMC',
    );
    const { alerts } = await api<{ alerts: Alert[] }>(guest, 'alerts');
    t.strictSame(
      alerts
        .map(({ labels }) => `${labels['alertname']} ${labels['reason'] ?? labels['device'] ?? ''}`.trim())
        .sort(),
      [
        'SmcDeviceInactive rxed0',
        'SmcFallbacks NOUEID',
        'SmcFallbacks PEERDECL',
        'SmcHandshakeLimitationOn',
        // both ends are here
        'SmcLinkGroupWithoutRedundancy',
        'SmcLinkGroupWithoutRedundancy',
        'SmcNoCommonEid NOUEID',
        'SmcPeersWithoutSmc PEERNOSMC',
      ],
    );
    // the others wait for five minutes or more
    const firing = alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels['alertname']);
    t.ok(firing.includes('SmcNoCommonEid'), 'at once');
  });

  await t.test('promtool has nothing to say about the metrics', async (t) => {
    const ways = [
      `curl -sSf ${url}`,
      'smc_exporter --once -A -c checks -c sockets --by unit --by comm --timeout 60',
    ];
    for (const way of ways) {
      const { stdout, stderr, status } = await guest.run(
        `${way} >/tmp/checked && grep -c '^smc_' /tmp/checked && promtool check metrics </tmp/checked`,
      );
      t.equal(status, 0, way);
      t.equal(stderr, '', way);
      t.match(stdout, /^\d{3}\n$/, way);
    }
  });

  await t.test('without the exporter, that is told', async (t) => {
    exporter.kill();
    t.equal((await exporter.wait()).status, 0);
    await waitFor(guest, `curl -sS -G http://127.0.0.1:${PROMETHEUS}/api/v1/alerts`, {
      shows: '"alertname":"SmcExporterBlind"',
    });
    const { alerts } = await api<{ alerts: Alert[] }>(guest, 'alerts');
    t.match(
      alerts.filter(({ labels }) => labels['alertname'] === 'SmcExporterBlind'),
      [{ state: 'pending', labels: { job: 'smc' } }],
    );
  });
});
