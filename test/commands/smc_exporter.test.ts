// SPDX-License-Identifier: MIT
/** smc_exporter: its metrics, from recorded and made-up kernels; how it is told what to do. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { COLLECTORS, SCRAPE_METRICS } from '../../src/commands/smc_exporter/collectors/index.ts';
import { smcExporter } from '../../src/commands/smc_exporter/command.ts';
import { exposition, preferredFormat } from '../../src/commands/smc_exporter/exposition.ts';
import { counter, gauge, Samples } from '../../src/commands/smc_exporter/metric.ts';
import { COLLECTOR_NAMES } from '../../src/commands/smc_exporter/options.ts';
import { shared } from '../../src/commands/smc_exporter/shared.ts';
import type { RawSocket, Transport } from '../../src/netlink/transport.ts';
import { NETLINK_SOCK_DIAG } from '../../src/netlink/uapi/netlink.ts';
import { smcGenNetlink } from '../../src/netlink/uapi/smc.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { emptyKernel, fails, inspectedKernel, SMCD_GROUP } from '../helpers/inspected-kernel.ts';
import { type RunOptions, runCommand } from '../helpers/run-command.ts';
import { listener, SMCD, SMCR, socket, TCP } from '../helpers/smc-sockets.ts';
import { waitUntil } from '../helpers/wait.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const expected = (name: string): string =>
  readFileSync(join(root, 'test/commands/smc_exporter', `${name}.prom`), 'utf8');

/** Without what differs between machines. */
const stable = (text: string): string =>
  text
    .replace(/^(smc_exporter_build_info){.*} 1$/m, '$1 1')
    .replace(/^(smc_scrape_collector_duration_seconds{.*}) .*$/gm, '$1 0');

/** A host with SMC's modules, settings and three sockets. */
const hostRoot = t.testdir({
  proc: {
    net: { protocols: 'protocol  size sockets\nSMC  1 4\nSMC6 1 0\nTCP 1 99\n' },
    sys: {
      net: { smc: { wmem: '65536\n', rmem: '131072\n', smcr_testlink_time: '30\n' } },
      kernel: { osrelease: '6.12.0\n' },
    },
  },
  sys: { module: { smc: {}, smc_diag: {} } },
});

const fell = (reason: number, peerDiagnosis = 0, rest: object = {}): object =>
  socket({ mode: TCP, attributes: { fallback: { reason, peerDiagnosis } }, ...rest });

const SOCKETS = [
  listener({ inode: 11n }),
  socket({ mode: SMCR, inode: 12n }),
  socket({ mode: SMCD, inode: 13n }),
  fell(0x03010000, 0, { inode: 12n }),
  fell(0x05000000, 0x03030008, { inode: 0n }),
  fell(0x05000000, 0x0badcafe, { inode: 14n }),
];

function kernelWithSockets(): FakeKernel {
  const kernel = inspectedKernel();
  kernel.sockets = () => SOCKETS;
  return kernel;
}

const once = async (options: RunOptions, words = ''): Promise<string> => {
  const { status, stdout, stderr } = await runCommand(smcExporter, `--once ${words}`, {
    hostRoot,
    ...options,
  });
  t.equal(status, 0, words);
  const explained = stderr.split('\n').filter(Boolean);
  t.strictSame(
    [...new Set(explained.map((line) => /^smc_exporter: collector (\w+): ./.exec(line)?.[1]))],
    [...stdout.matchAll(/^smc_scrape_collector_success{collector="(\w+)"} 0$/gm)].map(([, name]) => name),
    'it is said why a collector has no answer',
  );
  return stdout;
};

const values = (text: string, name: string): string[] =>
  text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

for (const scene of readdirSync(join(root, 'test/fixtures')).filter((name) => /^\d/.test(name)))
  t.test(`recorded: ${scene}`, async (t) => {
    const { status, stdout, stderr } = await runCommand(smcExporter, [
      '--once',
      '--from',
      join(root, 'test/fixtures', scene),
    ]);
    t.strictSame([status, stderr], [0, '']);
    t.equal(stable(stdout), expected(scene));
  });

t.test('everything that a kernel can tell', async (t) => {
  const kernel = kernelWithSockets();
  const text = await once({ transport: kernel });
  t.equal(stable(text), expected('everything'));
  await waitUntil('all connections to be closed', () => kernel.openSockets === 0);
});

t.test('a kernel after boot', async (t) => {
  const text = await once({ transport: emptyKernel() });
  t.strictSame(values(text, 'smc_fallbacks_total'), [
    'smc_fallbacks_total{role="client"} 0',
    'smc_fallbacks_total{role="server"} 0',
  ]);
  t.strictSame(values(text, 'smc_link_groups'), [
    'smc_link_groups{technology="smcr"} 0',
    'smc_link_groups{technology="smcd"} 0',
  ]);
  t.notMatch(text, /success.* 0$/m);
});

t.test('a kernel without SMC is asked for nothing that would load it', async (t) => {
  const kernel = new FakeKernel();
  const text = await once({ transport: kernel, hostRoot: t.testdir({ sys: { module: {} } }) });
  t.strictSame([...new Set(kernel.log)], ['nlctrl GETFAMILY'], 'only for all families');
  t.strictSame(values(text, 'smc_module_loaded'), [
    'smc_module_loaded{module="smc"} 0',
    'smc_module_loaded{module="smc_diag"} 0',
  ]);
  t.notMatch(text, /_total|smc_sockets/);
  const failed = values(text, 'smc_scrape_collector_success').filter((line) => line.endsWith(' 0'));
  t.strictSame(failed, ['smc_scrape_collector_success{collector="protocols"} 0'], 'that host has no /proc');
});

t.test('parts that fail leave the others alone', async (t) => {
  const kernel = inspectedKernel({ GET_STATS: fails('ENOMEM'), GET_LINK_SMCR: fails('EOPNOTSUPP') });
  kernel.sockets = () => SOCKETS;
  const text = await once({ transport: kernel });
  t.strictSame(
    values(text, 'smc_scrape_collector_success').filter((line) => line.endsWith(' 0')),
    [
      'smc_scrape_collector_success{collector="handshakes"} 0',
      'smc_scrape_collector_success{collector="traffic"} 0',
    ],
    'a kernel that is too old for something is no failure',
  );
  t.notMatch(text, 'smc_connections_total', 'a counter is left out, and does not go down');
  const { stderr } = await runCommand(smcExporter, '--once', { hostRoot, transport: kernel });
  const why = 'SMC_GEN_NETLINK GET_STATS: ENOMEM';
  t.equal(
    stderr,
    `smc_exporter: collector handshakes: ${why}\nsmc_exporter: collector traffic: ${why}\n`,
    'on standard error',
  );
  t.equal(values(text, 'smc_link_groups').length, 1);
  t.equal(values(text, 'smc_sockets').length, 4);
});

/** Scrapes with more and more time, until that suffices for all collectors but one: the others need it on a busy machine. */
async function untilOneFails(transport: Transport): Promise<{ text: string; failed: string[] }> {
  for (let seconds = 0.5; ; seconds *= 5) {
    const text = await once({ transport }, `--timeout ${seconds}`);
    const failed = values(text, 'smc_scrape_collector_success').filter((line) => line.endsWith(' 0'));
    if (failed.length <= 1 || seconds > 10) return { text, failed };
  }
}

t.test('a kernel that does not answer', async (t) => {
  const everything = kernelWithSockets();
  everything.raw = () => [];
  const silent = await once({ transport: everything }, '--timeout 0.2');
  t.equal(values(silent, 'smc_scrape_collector_success').length, COLLECTORS.length - 1);
  t.match(silent, 'smc_scrape_collector_success{collector="handshakes"} 0\n');
  t.match(silent, 'smc_scrape_collector_success{collector="protocols"} 1\n', 'files answer');

  const partly = kernelWithSockets();
  partly.raw = (_request, protocol) => (protocol === NETLINK_SOCK_DIAG ? [] : undefined);
  const { text, failed } = await untilOneFails(partly);
  t.strictSame(failed, ['smc_scrape_collector_success{collector="sockets"} 0']);
  t.match(text, 'smc_connections_total{technology="smcd",role="client",version="2"} 4\n');
  await waitUntil('all connections to be closed', () => partly.openSockets === 0);
});

t.test('a kernel whose answer has no end', async (t) => {
  const kernel = kernelWithSockets();
  kernel.datagramSize = 1;
  const { GET_DEV_SMCR } = smcGenNetlink;
  let rows = 0;
  /** In place of the end of the list of devices, its first row comes again and again. */
  const endless: Transport = {
    order: kernel.order,
    async open(protocol) {
      const socket = await kernel.open(protocol);
      let isList = false;
      let isOpen = true;
      return {
        ...socket,
        on(event: string, listener: (data: Buffer, from: { port: number }) => void) {
          let first: Buffer | undefined;
          const again = (): void => {
            if (!isOpen) return;
            rows++;
            listener(first!, { port: 0 });
            setImmediate(again);
          };
          const deliver = (data: Buffer, from: { port: number }): void => {
            if (!isList || event !== 'message') listener(data, from);
            else if (first) again();
            else first = data;
          };
          socket.on(event as 'message', deliver as never);
        },
        send(data, options, callback) {
          isList = data.readUInt16LE(4) >= 30 && data[16] === GET_DEV_SMCR.id;
          socket.send(data, options, callback);
        },
        close() {
          isOpen = false;
          socket.close();
        },
      } as RawSocket;
    },
  };
  const { text, failed } = await untilOneFails(endless);
  t.strictSame(failed, ['smc_scrape_collector_success{collector="devices"} 0']);
  t.match(text, 'smc_connections_total{technology="smcd",role="client",version="2"} 4\n');
  t.ok(rows > 0);
  await waitUntil('all connections to be closed', () => kernel.openSockets === 0);
});

t.test('sockets are listed unless there are too many, or that is dangerous', async (t) => {
  const host = (sockets: number, release = '7.3.0'): string =>
    t.testdir({
      proc: {
        net: { protocols: `protocol  size sockets\nSMC 1 ${sockets}\nINET_SMC 1 1\n` },
        sys: { kernel: { osrelease: `${release}\n` } },
        version: `Linux version ${release}\n`,
      },
    });
  const seen = async (hostRoot: string, words = ''): Promise<[listed: boolean, skipped: string]> => {
    const text = await once({ transport: kernelWithSockets(), hostRoot }, words);
    return [values(text, 'smc_sockets').length > 0, values(text, 'smc_scrape_collector_skipped')[0]!.at(-1)!];
  };
  t.strictSame(await seen(host(9_999)), [true, '0']);
  t.strictSame(await seen(host(10_000)), [false, '1'], 'with the one of IPPROTO_SMC');
  t.strictSame(await seen(host(10_000), '--collector sockets'), [true, '0']);
  t.strictSame(await seen(host(1, '6.12.1')), [false, '1'], 'a kernel that can crash');
  t.strictSame(await seen(host(1, '6.12.1'), '-c sockets'), [true, '0']);
});

t.test('collectors are switched on and off', async (t) => {
  const collectors = async (words: string): Promise<string[]> => {
    const text = await once({ transport: kernelWithSockets() }, words);
    return values(text, 'smc_scrape_collector_success').map((line) => /"(.*)"/.exec(line)![1]!);
  };
  const usual = COLLECTOR_NAMES.filter((name) => name !== 'checks');
  t.strictSame(await collectors(''), usual);
  t.strictSame(await collectors('-c checks -c pnet'), [...usual, 'checks']);
  t.strictSame(
    await collectors('--no-collector sockets --no-collector=checks -c checks'),
    usual.filter((name) => name !== 'sockets'),
  );
  t.strictSame(
    COLLECTORS.map(({ name }) => name),
    [...COLLECTOR_NAMES],
  );
  const findings = await once({ transport: kernelWithSockets() }, '-c checks');
  t.match(findings, 'smc_check_findings{check="module",status="pass"} 2\n');
});

t.test('owners: the first have series of their own', async (t) => {
  const host = t.testdir({ proc: { net: { protocols: 'protocol  size sockets\nSMC  1 9\n' } } });
  for (const [pid, comm, inodes] of [
    [100, 'web', [11, 12]],
    [200, 'a "b"\\', [13]],
    [300, 'z', [14]],
  ] as const) {
    mkdirSync(join(host, `proc/${pid}/fd`), { recursive: true });
    writeFileSync(join(host, `proc/${pid}/comm`), `${comm}\n`);
    writeFileSync(join(host, `proc/${pid}/cgroup`), `0::/system.slice/u${pid}.service\n`);
    for (const inode of inodes) symlinkSync(`socket:[${inode}]`, join(host, `proc/${pid}/fd/${inode}`));
  }
  const text = await once(
    { transport: kernelWithSockets(), hostRoot: host },
    '--by comm --by unit --top 2 --no-collector settings --no-collector kernel',
  );
  t.strictSame(values(text, 'smc_open_connections_by_comm'), [
    'smc_open_connections_by_comm{comm="web",mode="smcr"} 1',
    'smc_open_connections_by_comm{comm="web",mode="smcd"} 0',
    'smc_open_connections_by_comm{comm="web",mode="tcp"} 1',
    'smc_open_connections_by_comm{comm="a \\"b\\"\\\\",mode="smcr"} 0',
    'smc_open_connections_by_comm{comm="a \\"b\\"\\\\",mode="smcd"} 1',
    'smc_open_connections_by_comm{comm="a \\"b\\"\\\\",mode="tcp"} 0',
    'smc_open_connections_by_comm{comm="other",mode="smcr"} 0',
    'smc_open_connections_by_comm{comm="other",mode="smcd"} 0',
    'smc_open_connections_by_comm{comm="other",mode="tcp"} 1',
    'smc_open_connections_by_comm{comm="",mode="smcr"} 0',
    'smc_open_connections_by_comm{comm="",mode="smcd"} 0',
    'smc_open_connections_by_comm{comm="",mode="tcp"} 1',
  ]);
  t.equal(values(text, 'smc_open_connections_by_unit').length, 12);
});

t.test('names are harmless', async (t) => {
  const peerHost = '\u001b[31m"\\\n\u202e';
  const kernel = inspectedKernel({
    GET_LGR_SMCD: () => [{ lgrSmcd: { ...SMCD_GROUP, v2Common: { ...SMCD_GROUP.v2Common, peerHost } } }],
    GET_DEV_SMCD: () => [],
  });
  const text = await once({ transport: kernel });
  t.match(text, 'peer_host="\\\\x1b[31m\\"\\\\\\\\x0a.');
});

t.test('many link groups', async (t) => {
  const kernel = inspectedKernel({
    GET_LGR_SMCD: () =>
      Array.from({ length: 1003 }, (_, id) => ({ lgrSmcd: { ...SMCD_GROUP, id: id << 8 } })),
  });
  kernel.datagramSize = 8192;
  const text = await once({ transport: kernel });
  t.equal(values(text, 'smc_link_group_info').filter((line) => line.includes('smcd')).length, 1000);
  t.match(text, 'smc_link_groups{technology="smcd"} 1003\n');
  t.match(text, 'smc_link_groups_without_series{technology="smcd"} 3\n');
});

t.test('the formats', async (t) => {
  const samples = new Samples();
  samples.add(counter({ name: 'a_total', help: 'Counts.' }), 2n ** 64n - 1n);
  samples.add(gauge({ name: 'b', help: 'A `b`.', labels: ['c'] }), true, { c: 'd' });
  samples.add(gauge({ name: 'nothing', help: 'Is left out.' }), undefined);
  t.equal(
    await exposition(samples, 'text'),
    '# HELP a_total Counts.\n# TYPE a_total counter\na_total 18446744073709552000\n\n# HELP b A b.\n# TYPE b gauge\nb{c="d"} 1\n',
  );
  t.equal(
    await exposition(samples, 'openmetrics'),
    '# HELP a Counts.\n# TYPE a counter\na_total 18446744073709552000\n# HELP b A b.\n# TYPE b gauge\nb{c="d"} 1\n# EOF\n',
  );
  for (const [accept, format] of [
    [undefined, 'text'],
    ['*/*', 'text'],
    ['application/json', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0', 'openmetrics'],
    ['application/openmetrics-text;version=2.0.0', 'text'],
    // of Prometheus 2 and 3
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    ['text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-text; version="1.0.0"; q=0.5, text/plain; q=0.1', 'openmetrics'],
    [';;;,,q=zz,/', 'text'],
  ] as const)
    t.equal(preferredFormat(accept), format, String(accept));
});

t.test('names, units and labels follow the conventions', async (t) => {
  const metrics = [...COLLECTORS.flatMap((collector) => collector.metrics), ...SCRAPE_METRICS];
  t.equal(new Set(metrics.map(({ name }) => name)).size, metrics.length, 'no name twice');
  for (const { name, type, help, labels } of metrics) {
    t.match(name, /^smc_[a-z0-9_]+$/);
    t.equal(name.endsWith('_total'), type === 'counter', name);
    t.notMatch(name, /_(count|sum|bucket|ms|kb|kib|milliseconds)$|_total_/, name);
    t.match(help, /^[A-Z0-9].*\.$/, name);
    if (name.endsWith('_info')) t.match(help, /^Always 1/, name);
    for (const label of labels) t.match(label, /^[a-z][a-z0-9_]*$/, `${name} ${label}`);
    const counters = metrics.filter((other) => other.name === `${name}_total`);
    t.strictSame(counters, [], `${name}: OpenMetrics would confuse it with a counter`);
  }
  const text = await once({ transport: kernelWithSockets() }, '-c checks');
  const declared = new Map(metrics.map(({ name, labels }) => [name, labels]));
  for (const line of text.split('\n').filter((line) => line && !line.startsWith('#'))) {
    const [, series = '', inner = ''] = /^([a-z0-9_]+)(?:{(.*)})? \S+$/.exec(line) ?? [];
    const labels = declared.get(series) ?? declared.get(series.replace(/_(bucket|sum|count)$/, ''));
    const used = [...inner.matchAll(/([a-z_]+)="/g)]
      .map(([, label]) => label!)
      .filter((label) => label !== 'le');
    t.strictSame(used, labels && [...labels], line);
  }
});

t.test('several calls at once are one', async (t) => {
  let runs = 0;
  let finish!: () => void;
  const call = shared(async () => {
    runs++;
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    return runs;
  });
  const all = [call(), call()];
  finish();
  t.strictSame(await Promise.all(all), [1, 1]);
  const next = call();
  finish();
  t.equal(await next, 2);
  const fail = shared(async () => {
    throw new Error(`${++runs}`);
  });
  await t.rejects(fail(), { message: '3' });
  await t.rejects(fail(), { message: '4' }, 'a failure is not kept');
});

t.test('--textfile', async (t) => {
  const directory = t.testdir({ 'smc.prom': 'old\n' });
  const file = join(directory, 'smc.prom');
  const run = (path: string, words = '') =>
    runCommand(smcExporter, ['--textfile', path, ...words.split(' ').filter(Boolean)], {
      hostRoot,
      transport: kernelWithSockets(),
    });
  t.strictSame(await run(file), { status: 0, stdout: '', stderr: '' });
  t.equal(stable(readFileSync(file, 'utf8')), expected('everything'));
  t.equal(statSync(file).mode & 0o777, 0o644);
  t.strictSame(readdirSync(directory), ['smc.prom'], 'nothing else is left');
  const missing = join(directory, 'none/smc.prom');
  t.match(await run(missing), { status: 1, stderr: `smc_exporter: ${missing}: no such file or directory\n` });
  t.match(await run(`${directory}/`), { status: 1, stderr: /must be a file/ });
  t.match(await run(join(directory, 'x'.repeat(256))), { status: 1, stderr: /x: the name is too long\n$/ });
  const link = join(directory, 'link');
  symlinkSync('smc.prom', link);
  t.strictSame(
    await run(link),
    { status: 1, stdout: '', stderr: `smc_exporter: ${link} is not used: it is not a regular file\n` },
    'root could remove /dev/stdout or /dev/null',
  );
  t.ok(lstatSync(link).isSymbolicLink());
});

t.test('options that do not go together', async (t) => {
  for (const [words, message] of [
    ['--once --textfile x', '--once and --textfile exclude each other'],
    ['--textfile -', '--textfile writes to a file; --once prints the metrics'],
    ['--once -l :1', '--once and --listen exclude each other'],
    ['--textfile x --web-config y', '--textfile and --web-config exclude each other'],
    ['-i 5', '--interval requires --textfile'],
    ['--top 5 --once', '--top requires --by'],
    ['-j', '--json requires --once'],
    ['--once -c nothing', "--collector 'nothing': must be handshakes, traffic"],
    ['-l nowhere', "--listen 'nowhere': must be HOST:PORT"],
    ['--once -A --from x', '--all-netns and --from exclude each other'],
  ] as const)
    t.match(await runCommand(smcExporter, words, { hostRoot }), {
      status: 1,
      stdout: '',
      stderr: `smc_exporter: ${message}`,
    });
});
