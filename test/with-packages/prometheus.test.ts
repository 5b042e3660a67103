// SPDX-License-Identifier: MIT
// What is in examples/ for those who watch: a real Prometheus scrapes real output of smc_exporter and answers every query
// of the rules, the alerts and the dashboard; promtool checks and tests the rules.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { CommandDefinition } from '../../src/cli/run.ts';
import { SUITE } from '../../src/commands/smc_dbg/suite.ts';
import { COLLECTORS, SCRAPE_METRICS } from '../../src/commands/smc_exporter/collectors/index.ts';
import { smcExporter } from '../../src/commands/smc_exporter/command.ts';
import { smcRun } from '../../src/commands/smc_run/command.ts';
import { smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { plant, server } from '../helpers/host-trees.ts';
import { FALLBACKS, inspectedKernel, LINK, ROCE, SMCR_GROUP, STATS } from '../helpers/inspected-kernel.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { runCommand } from '../helpers/run-command.ts';
import { listener, SMCD, socket, TCP } from '../helpers/smc-sockets.ts';
import { tied } from '../helpers/tied.ts';
import { waitUntil } from '../helpers/wait.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const examples = join(project, 'examples');
const read = (file: string): string => readFileSync(join(examples, file), 'utf8');

/** A rule as Prometheus understands it. */
interface Rule {
  name: string;
  query: string;
  type: 'recording' | 'alerting';
  health: string;
  lastError?: string;
  annotations?: Record<string, string>;
  state?: string;
}

interface Series {
  metric: Record<string, string>;
  value: [number, string];
}

const HOST = {
  'proc/sys/kernel/osrelease': '6.12.0-test\n',
  'proc/net/protocols': 'protocol size sockets\nSMC 1 5\nSMC6 1 0\n',
  'proc/modules': 'smc 1 0 - Live 0x0\nsmc_diag 1 0 - Live 0x0\n',
  'sys/module/smc/initstate': 'live\n',
  'sys/module/smc_diag/initstate': 'live\n',
  'proc/sys/net/smc/wmem': '65536\n',
};

/** Serves what smc_exporter --once prints of a made-up kernel whose counters grow with each scrape. */
async function madeUpHost(): Promise<string> {
  let scrapes = 0n;
  const grown = <T extends object>(counts: T): T =>
    Object.fromEntries(
      Object.entries(counts).map(([key, value]) => [
        key,
        typeof value === 'bigint' ? (value % 1_000_000n) + scrapes * 5n : value,
      ]),
    ) as T;
  const parts = <T extends Record<string, unknown>>(technology: T): T =>
    Object.fromEntries(
      Object.entries(grown(technology)).map(([key, value]) => [
        key,
        typeof value === 'object' ? grown(value as object) : value,
      ]),
    ) as T;
  const transport = inspectedKernel({
    GET_DEV_SMCR: () => [{ devSmcr: ROCE }, { devSmcr: { ...ROCE, ibName: 'mlx5_1' } }],
    // one link
    GET_LINK_SMCR: () => [{ lgrSmcr: { ...SMCR_GROUP, type: 1 } }, { linkSmcr: LINK }],
    GET_STATS: () => [{ stats: { ...STATS, smcd: parts(STATS.smcd), smcr: parts(STATS.smcd) } }],
    GET_FBACK_STATS: () =>
      FALLBACKS.map(({ reasonCount, ...rest }) => ({
        fallback: { ...grown(rest), reasonCount: (reasonCount + 4 * Number(scrapes)) & 0xffff },
      })),
  }).serve(smcPnetid, { GET: () => [{ name: 'NET1', ethName: 'eth0', ibName: 'n/a', ibPort: 255 }] });
  const sockets = [
    listener(),
    socket(),
    socket({ mode: SMCD }),
    socket({ mode: TCP, attributes: { fallback: { reason: 0x05000000, peerDiagnosis: 0x03030000 } } }),
  ];
  transport.sockets = () => sockets;
  const hostRoot = plant(t, server, HOST);
  const http = createServer(async (_, response) => {
    scrapes++;
    const { stdout, stderr, status } = await runCommand(smcExporter, '--once', { transport, hostRoot });
    if (status !== 0) console.error(stderr);
    response.writeHead(status === 0 ? 200 : 500, { 'Content-Type': 'text/plain; version=0.0.4' });
    response.end(stdout);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.teardown(() => http.close().closeAllConnections());
  return `127.0.0.1:${(http.address() as AddressInfo).port}`;
}

/** Starts a program that says where it listens. */
async function listening(file: string, argv: readonly string[], pattern: RegExp): Promise<string> {
  const child: ChildProcess = spawn(...tied(file, argv), { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (data) => {
    text += data;
  });
  const [, address = ''] = await waitUntil(`${file} to listen`, () => pattern.exec(text), {
    seen: () => text,
  });
  return address;
}

const madeUp = await madeUpHost();
const fixture = join(project, 'test/fixtures/6.12-smcr');
const recorded = await listening(
  process.execPath,
  [join(project, 'bin/smc_exporter.js'), '-l', '127.0.0.1:0', '--from', fixture],
  /listening on http:\/\/(\S+)/,
);

/** Seconds from scrape to scrape: time enough for one of both hosts, however slow this machine is. */
const begin = performance.now();
for (const host of [madeUp, recorded]) await (await fetch(`http://${host}/metrics`)).text();
const pause = Math.max(1, Math.ceil((5 * (performance.now() - begin)) / 1000));

/** The configuration of the examples, for these hosts, and in a hurry. */
const directory = ownDirectory(t);
cpSync(join(examples, 'prometheus'), directory, { recursive: true });
writeFileSync(
  join(directory, 'prometheus.yml'),
  read('prometheus/prometheus.yml')
    .replaceAll('interval: 30s', `interval: ${pause}s`)
    .replace('- localhost:10043', `- ${madeUp}\n          - ${recorded}`),
);
const prometheus = await listening(
  'prometheus',
  [
    `--config.file=${directory}/prometheus.yml`,
    `--storage.tsdb.path=${directory}/data`,
    '--web.listen-address=127.0.0.1:0',
  ],
  /msg="?Listening on"? address=(\S+)/,
);

async function api<T>(path: string): Promise<T> {
  const response = await fetch(`http://${prometheus}/api/v1/${path}`);
  const answer = (await response.json()) as { status: string; error?: string; data: T };
  if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
  return answer.data;
}

const query = async (expression: string): Promise<Series[]> =>
  (await api<{ result: Series[] }>(`query?query=${encodeURIComponent(expression)}`)).result;

const rules = async (): Promise<Rule[]> =>
  (await api<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap((group) => group.rules);

/** Prometheus itself, for each variable of Grafana. */
const withoutVariables = (expression: string): string =>
  expression
    .replaceAll('$job', 'smc')
    .replaceAll('$instance', '.*')
    .replaceAll(/\$__(rate_interval|range)/g, '5m');

t.test('promtool', async (t) => {
  const run = (...words: string[]): string =>
    execFileSync('promtool', words, { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
  t.match(run('check', 'config', 'prometheus.yml'), /SUCCESS: .*prometheus\.yml is valid/);
  t.match(run('test', 'rules', 'smc-tests.yml'), /SUCCESS/);
  const alerts = [...read('prometheus/smc-alerts.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const tested = read('prometheus/smc-tests.yml');
  const page = read('prometheus/README.md');
  for (const alert of alerts) {
    t.match(tested, new RegExp(`alertname: ${alert}\n.*\n +exp_alerts:\n`), `${alert} is tested`);
    t.match(page, `\`${alert}\``, `${alert} is in the README`);
  }
});

t.test('promtool has nothing to say about the metrics', async (t) => {
  const everything = ['--once', '-c', 'checks', '-c', 'sockets', '--by', 'unit', '--by', 'comm'];
  const all = await runCommand(smcExporter, [...everything, '--from', fixture]);
  for (const [title, text] of [
    ['made up', await (await fetch(`http://${madeUp}/metrics`)).text()],
    ['recorded', await (await fetch(`http://${recorded}/metrics`)).text()],
    ['recorded, all collectors', all.stdout],
  ] as const) {
    t.match(text, /^smc_exporter_build_info\{/m, title);
    const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    t.strictSame({ stdout, stderr, status }, { stdout: '', stderr: '', status: 0 }, title);
  }
  t.match(all.stdout, /^smc_check_findings\{/m);
  t.match(all.stdout, /^smc_open_connections_by_comm\{/m);
  const { stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
    input: '# HELP smc_x x\n# TYPE smc_x counter\nsmc_x 1\n',
    encoding: 'utf8',
  });
  t.match({ stderr, status }, { stderr: /counter metrics should have/, status: 3 }, 'it sees mistakes');
});

t.test('Prometheus takes what smc_exporter gives, and evaluates all rules', async (t) => {
  await waitUntil('four scrapes of each host', async () =>
    (await query('count_over_time(smc_exporter_build_info[10m]) > 3')).length === 2 ? true : undefined,
  );
  const up = () => query('up == 1');
  t.equal(
    (
      await waitUntil('both hosts', async () => (await up()).length === 2 && up(), {
        seen: () => query('up'),
      })
    ).length,
    2,
  );
  // each rule once, after what it is made of
  const evaluated = await waitUntil(
    'the rules',
    async () => {
      const found = await rules();
      const isThere = async ({ type, name }: Rule): Promise<boolean> =>
        type === 'alerting' || (await query(name)).length > 0;
      const done = await Promise.all(found.map(isThere));
      return done.every(Boolean) && found.every(({ health }) => health !== 'unknown') ? found : undefined;
    },
    { seen: rules },
  );
  t.ok(evaluated.length > 15);
  for (const { name, health, lastError } of evaluated) t.equal(health, 'ok', `${name}: ${lastError ?? 'ok'}`);
  const [{ value } = { value: [0, ''] }] = await query(
    `instance:smc_fallback:ratio_rate5m{instance="${madeUp}"}`,
  );
  t.ok(Number(value[1]) > 0 && Number(value[1]) < 1, `a share: ${value[1]}`);
});

t.test('alerts see what is wrong with the made-up host', async (t) => {
  const active = async (): Promise<string[]> => {
    const { alerts } = await api<{ alerts: { labels: Record<string, string> }[] }>('alerts');
    return alerts
      .filter(({ labels }) => labels['instance'] === madeUp)
      .map(({ labels }) => labels['alertname']!);
  };
  for (const name of [
    'SmcFallbacks',
    'SmcReceiveBufferTooSmall',
    'SmcDeviceInactive',
    'SmcLinkGroupWithoutRedundancy',
    'SmcHandshakeLimitationOn',
  ])
    t.ok(await waitUntil(name, async () => (await active()).includes(name), { seen: active }), name);
  for (const name of ['SmcExporterBlind', 'SmcModuleMissing'])
    t.notOk((await active()).includes(name), `not ${name}`);
});

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; refId: string; datasource: { uid: string } }[];
}

const dashboard = JSON.parse(read('grafana/smc.json')) as {
  id: number | null;
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
};

t.test('each query of the dashboard has a result', async (t) => {
  for (const { title, targets = [] } of dashboard.panels)
    for (const { expr, refId } of targets) {
      const series = await query(withoutVariables(expr));
      t.ok(series.length > 0, `${title} ${refId}: ${expr}`);
      t.ok(
        series.some(({ value }) => Number.isFinite(Number(value[1]))),
        `${title} ${refId}: a number`,
      );
    }
  for (const { name, type, query: source } of dashboard.templating.list) {
    if (type === 'datasource') continue;
    const text = typeof source === 'string' ? source : source.query;
    const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(text) ?? [];
    const values = (await query(withoutVariables(selector))).map(({ metric }) => metric[label]);
    t.ok(values.length > 0 && values.every(Boolean), `$${name}`);
  }
});

t.test('the dashboard imports cleanly', async (t) => {
  t.equal(dashboard.id, null);
  t.equal(dashboard.schemaVersion, 42, 'that of Grafana 13');
  const ids = dashboard.panels.map(({ id }) => id);
  t.equal(new Set(ids).size, ids.length);
  for (const { type, title, description, datasource, targets = [], gridPos } of dashboard.panels) {
    t.ok(gridPos.x + gridPos.w <= 24, title);
    if (type === 'row') continue;
    t.ok(description, `${title} is explained`);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
    const variable = '${datasource}';
    for (const { uid } of [datasource!, ...targets.map((target) => target.datasource)])
      t.equal(uid, variable, `${title}: any Prometheus`);
  }
  const names = dashboard.templating.list.map(({ name }) => name);
  const used = new Set(JSON.stringify(dashboard.panels).match(/\$\{?[a-z]\w*/g));
  t.strictSame([...used].map((word) => word.replace(/\W/g, '')).sort(), [...names].sort());
  const page = read('grafana/README.md');
  for (const { title } of dashboard.panels.filter(({ type }) => type === 'row'))
    t.match(page, title, `the README has ${title}`);
});

t.test('there are no metrics but those of smc_exporter', async (t) => {
  const known = new Set(
    [...COLLECTORS.flatMap(({ metrics }) => metrics), ...SCRAPE_METRICS].flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  // one host was asked for OpenMetrics, in which counters are spelt in another way
  for (const instance of [madeUp, recorded]) {
    const names = new Set((await query(`{instance="${instance}"}`)).map(({ metric }) => metric['__name__']!));
    t.ok(names.size > 30, instance);
    const others = [...names].filter((name) => !known.has(name) && !/^up$|^scrape_|^ALERTS|:/.test(name));
    t.strictSame(others, [], instance);
  }
  const expressions = [
    ...(await rules()).map((rule) => rule.query),
    ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ];
  // not those of recording rules, which have a colon before
  for (const expression of expressions)
    for (const [name] of expression.matchAll(/(?<![\w:"])smc_\w+/g)) t.ok(known.has(name), name);
});

t.test('PCP loses no value', async (t) => {
  const [, pattern = ''] = /^FILTER: OPTIONAL LABEL (.*)$/m.exec(read('pcp/smc.url')) ?? [];
  const described = new RegExp(`^(?:${pattern})$`);
  for (const { title, series } of [
    { title: 'made up', series: await query(`{instance="${madeUp}", __name__=~"smc_.*"}`) },
    { title: 'recorded', series: await query(`{instance="${recorded}", __name__=~"smc_.*"}`) },
  ]) {
    t.ok(series.length > 200, title);
    // of the same name and the same other labels, only the last one would be kept
    const names = series.map(({ metric }) =>
      JSON.stringify(
        Object.entries(metric)
          .filter(([label]) => !described.test(label))
          .sort(),
      ),
    );
    t.equal(new Set(names).size, names.length, title);
  }
});

/** Commands of the suite in a text, as words. */
const commandsIn = (text: string): string[][] =>
  [...text.matchAll(/`((?:smc_\w+|smc\w+)(?: [^`]*)?)`/g)].map(([, line = '']) =>
    line.replace(/\{\{[^}]*\}\}/g, 'NOUEID').split(' '),
  );

t.test('runbooks name commands that exist, with their options', async (t) => {
  const suite: Record<string, () => Promise<CommandDefinition>> = {
    ...SUITE,
    smc_exporter: async () => smcExporter,
  };
  let count = 0;
  for (const { name: alert, annotations = {} } of (await rules()).filter(({ type }) => type === 'alerting')) {
    t.match(annotations, { summary: /./, description: /./, runbook: /./ }, alert);
    const commands = commandsIn(annotations['runbook'] ?? '');
    t.ok(commands.length > 0, `${alert} names a command`);
    for (const [name = '', ...words] of commands) {
      const line = [name, ...words].join(' ');
      count++;
      if (name === 'smc_run') {
        // a program would run
        for (const word of words.filter((one) => one.startsWith('-')))
          t.ok(Object.keys(smcRun.options).includes(word.replace(/^--/, '')), line);
        continue;
      }
      const { status, stderr } = await runCommand(await suite[name]!(), [...words, '-h']);
      t.equal(status, 0, `${line}: ${stderr}`);
      // what a filter says is read later than -h; rates are not for recordings
      if (name !== 'smcss' || words[0] === '-i') continue;
      const listed = await runCommand(await suite[name]!(), [...words, '--from', fixture]);
      t.equal(listed.status, 0, `${line}: ${listed.stderr}`);
    }
  }
  t.ok(count > 20);
});
