// SPDX-License-Identifier: MIT
// Statistics: the report at each level, both JSON forms, reset and its state, rates.
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { smcd } from '../../src/commands/smcd/command.ts';
import { smcr } from '../../src/commands/smcr/command.ts';
import { Errno } from '../helpers/fake-kernel.ts';
import { emptyKernel, FALLBACKS, fails, inspectedKernel, STATS } from '../helpers/inspected-kernel.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { type RunOptions, runCommand } from '../helpers/run-command.ts';

/** A host with a boot id and a network namespace, and a place for state. */
function host(t: Test): RunOptions & { hostRoot: string; env: { XDG_STATE_HOME: string } } {
  const hostRoot = t.testdir({
    proc: {
      sys: { kernel: { random: { boot_id: 'boot-1\n' } } },
      self: { ns: { net: t.fixture('symlink', 'net:[4026531840]') } },
    },
  });
  return { hostRoot, env: { XDG_STATE_HOME: join(ownDirectory(t), 'state') } };
}

const stateOf = ({ env }: { env: { XDG_STATE_HOME: string } }) =>
  join(env.XDG_STATE_HOME, 'smc-tools', 'statistics-4026531840.json');

const call = (argv: string, options: RunOptions = {}) =>
  runCommand(smcd, argv, { transport: inspectedKernel(), hostRoot: '/nonexistent', ...options });

async function stdout(t: Test, argv: string, options: RunOptions = {}): Promise<string> {
  const outcome = await call(argv, options);
  t.strictSame({ ...outcome, stdout: '' }, { status: 0, stdout: '', stderr: '' }, argv);
  return outcome.stdout;
}

const EMPTY = `SMC-R Connections Summary
  Total connections handled             0
  SMC connections                       0
  Handshake errors                      0
  Avg requests per SMC conn             0.0
  TCP fallback                          0

RX Stats
  Data transmitted (Bytes)              0 (0)
  Total requests                        0
  Buffer full                           0 (0.00%)
            8KB    16KB    32KB    64KB   128KB   256KB   512KB  >512KB
  Bufs        0       0       0       0       0       0       0       0
  Reqs        0       0       0       0       0       0       0       0

TX Stats
  Data transmitted (Bytes)              0 (0)
  Total requests                        0
  Buffer full                           0 (0.00%)
  Buffer full (remote)                  0 (0.00%)
  Buffer too small                      0 (0.00%)
  Buffer too small (remote)             0 (0.00%)
            8KB    16KB    32KB    64KB   128KB   256KB   512KB  >512KB
  Bufs        0       0       0       0       0       0       0       0
  Reqs        0       0       0       0       0       0       0       0

Extras
  Special socket calls                  0
`;

t.test('short report', async (t) => {
  const nothing = await runCommand(smcr, 'stats', { transport: emptyKernel(), ...host(t) });
  t.strictSame(nothing, { status: 0, stdout: EMPTY, stderr: '' });
  t.equal(
    await stdout(t, 's'),
    `SMC-D Connections Summary
  Total connections handled            19
  SMC connections                      10
  Handshake errors                      1
  Avg requests per SMC conn         10057.2
  TCP fallback                          8

RX Stats
  Data transmitted (Bytes)      195165752 (195.2M)
  Total requests                    31655
  Buffer usage (Bytes)             655360 (655.4K)
  Buffer full                        2871 (9.07%)
            8KB    16KB    32KB    64KB   128KB   256KB   512KB  >512KB
  Bufs        0       0       0      10       0       0       0       0
  Reqs   31.66K       0       0       0       0       0       0       0

TX Stats
  Data transmitted (Bytes) 18446744073709551615 (18.45E)
  Total requests                    68917
  Buffer usage (Bytes)                  0 (0)
  Buffer full                           4 (0.01%)
  Buffer full (remote)                  3 (0.00%)
  Buffer too small                      2 (0.00%)
  Buffer too small (remote)             1 (0.00%)
            8KB    16KB    32KB    64KB   128KB   256KB   512KB  >512KB
  Bufs        0       0       0       0       0       0       0       0
  Reqs      781     617      45  2.978K       0       0       1       5

Extras
  Special socket calls                 14
`,
  );
});

t.test('long report', async (t) => {
  const text = await stdout(t, '-d stats');
  t.equal(
    text.slice(0, text.indexOf('RX Stats')),
    `SMC-D Connections Summary
  Total connections handled            19
  SMC connections                      10 (client 5, server 5)
    v1                                  3
    v2                                  7
  Handshake errors                      1 (client 1, server 0)
  Avg requests per SMC conn         10057.2
  TCP fallback                          8 (client 5, server 3)
    Server
     NOUEID                             2
     PEERDECL                           1
    Client
     [unknown]                          2
     PEER_NO_SMC                        1
     MEMORY                             1

`,
    'at most three reasons a side, by count, then in kernel order',
  );
  t.match(
    text,
    /\n {2}Buffer full {24}2871 \(9\.07%\)\n {2}Buffer downgrades {21}1\n {2}Buffer reuses {25}8\n {12}8KB/,
  );
  t.match(
    text,
    /\n {2}Buffer too small \(remote\) {13}1 \(0\.00%\)\n {2}Buffer downgrades {21}7\n {2}Buffer reuses {25}5\n/,
  );
  t.match(
    text,
    `  Special socket calls                 14
    cork                                3
    nodelay                             4
    sendpage                            0
    splice                              2
    urgent data                         5
`,
  );
  for (const argv of ['-dd stats', '-da stats', '-a -d stats show', 'stats -d'])
    t.equal(await stdout(t, argv), text, argv);
  const { stdout: seen } = await call('-d stats', { terminal: true });
  t.match(seen, /\n {5}0x77777777 {25}2\n/, 'a terminal gets the code of an unknown reason');
});

t.test('the JSON line of the C suite', async (t) => {
  const line = await stdout(t, 'stats json');
  t.match(line, /^{"SMCD": {"SMC_INT_TX_BUF_8K":0,"SMC_INT_TX_BUF_16K":0,.*"SMC_TX_RMB_USAGE":0}}\n$/);
  const { SMCD } = JSON.parse(line);
  t.equal(Object.keys(SMCD).length, 65);
  t.match(line, '"SMC_TX_BYTES":18446744073709551615,', 'all digits');
  t.match(SMCD, {
    SMC_USR_TX_BUF_G_1024K: 3,
    SMC_INT_RX_BUF_64K: 10,
    SMC_INT_TX_BUF_SIZE_SM_PEER_CNT: 1,
    SMC_INT_TX_BUF_DGRADE_CNT: 7,
    SMC_INT_RX_BUF_REUSE_CNT: 8,
    SMC_CLNT_V2_SUCC_CNT: 4,
    SMC_URG_DATA_CNT: 5,
    SMC_RX_RMB_USAGE: 655_360,
  });
  const other = await runCommand(smcr, '-d stats json', {
    transport: inspectedKernel(),
    hostRoot: '/nonexistent',
  });
  t.match(other.stdout, /^{"SMCR": {/);
  t.match(
    await stdout(t, 'stats json', { transport: emptyKernel() }),
    /"SMC_RX_RMB_USAGE":null,"SMC_TX_RMB_USAGE":null}}\n$/,
    'what kernels before 6.12 do not tell',
  );
});

t.test('our JSON', async (t) => {
  const { statistics } = JSON.parse(await stdout(t, '-j stats'));
  t.match(statistics, {
    technology: 'SMC-D',
    baseline: null,
    connections: { smc: 10, client: { v1: 1, v2: 4 }, server: { v1: 2, v2: 3 } },
    handshake_errors: { client: 1, server: 0 },
    rx: { bytes: 195_165_752, buffer_usage_bytes: 655_360, buffer_events: { full: 2871, allocated: 2 } },
    tx: { request_sizes: { '8K': 781, '1024K': 2, larger: 3 } },
    special_calls: { cork: 3, urgent_data: 5 },
  });
  t.strictSame(statistics.fallbacks.server, {
    total: 3,
    reasons: [
      {
        code: '0x05000000',
        name: 'PEERDECL',
        text: 'the peer declined; the peer diagnosis says why',
        count: 1,
      },
      { code: '0x03030008', name: 'NOUEID', text: 'the client offered no enterprise ID', count: 2 },
    ],
  });
  t.equal(statistics.fallbacks.client.reasons.length, 4);
  const old = await stdout(t, '-j stats', { transport: emptyKernel() });
  t.match(old, '"buffer_usage_bytes":null', 'kernels before 6.12 do not tell');
});

/** A kernel whose counters can be moved. */
/** @param asked called each time the counters are asked for, before they are told */
function movingKernel(asked: (state: { rxBytes: bigint }, times: number) => void = () => {}) {
  let times = 0;
  const state = { rxBytes: 1000n, usage: 500n, serverTotal: 3n, reasonCount: 65_535 };
  const transport = inspectedKernel({
    GET_STATS: () => {
      asked(state, ++times);
      return [
        { stats: { ...STATS, smcd: { ...STATS.smcd, rxBytes: state.rxBytes, rxRmbUsage: state.usage } } },
      ];
    },
    GET_FBACK_STATS: () => [
      { fallback: { ...FALLBACKS[0], serverTotal: state.serverTotal, reasonCount: state.reasonCount } },
      { fallback: { type: 0, reasonCode: 0x03010000, reasonCount: 7 } },
    ],
  });
  return { state, transport };
}

t.test('reset', async (t) => {
  const { state, transport } = movingKernel();
  const options = { ...host(t), transport };
  const before = await stdout(t, 'stats', options);
  t.throws(() => readdirSync(options.env.XDG_STATE_HOME), { code: 'ENOENT' }, 'showing makes no file');
  t.equal(await stdout(t, 'stats reset', options), before, 'the report comes first');
  const file = stateOf(options);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(statSync(join(file, '..')).mode & 0o777, 0o700);
  t.strictSame(readdirSync(join(file, '..')), ['statistics-4026531840.json'], 'no temporary file is left');

  Object.assign(state, { rxBytes: 1234n, usage: 100n, serverTotal: 5n, reasonCount: 1 });
  const { statistics } = JSON.parse(await stdout(t, '-j stats', options));
  t.equal(statistics.rx.bytes, 234);
  t.equal(statistics.rx.requests, 0);
  t.equal(
    statistics.rx.buffer_usage_bytes,
    100,
    'a gauge: less than at the reset, and no reason to forget it',
  );
  t.equal(statistics.fallbacks.server.total, 2);
  t.match(statistics.fallbacks.server.reasons, [{ count: 2 }], 'the 16-bit count has wrapped');
  t.strictSame(statistics.fallbacks.client.reasons, [], 'reasons that did not occur since are not listed');
  t.equal(statistics.baseline.network_namespace, 4_026_531_840);
  const absolute = JSON.parse(await stdout(t, '-a -j stats', options));
  t.equal(absolute.statistics.rx.bytes, 1234);
  t.equal(absolute.statistics.baseline, null);
  t.match(await stdout(t, 'stats json', options), /"SMC_RX_BYTES":234,/);
  t.match(
    (await runCommand(smcr, '-j stats', options)).stdout,
    '"baseline":{',
    'one reset for both technologies',
  );
  const { stderr } = await call('stats', { ...options, terminal: true });
  t.match(stderr, /^smcd: counts since the reset at \d{4}-.*Z; -a shows the full counts\n$/);

  const again = JSON.parse(await stdout(t, '-j stats reset', options));
  t.equal(again.statistics.rx.bytes, 234);
  t.equal(JSON.parse(await stdout(t, '-j stats', options)).statistics.rx.bytes, 0);
});

t.test('a state that cannot be used is said so, and all is counted', async (t) => {
  const { state, transport } = movingKernel();
  const options = { ...host(t), transport };
  const file = stateOf(options);
  const notUsed = async (why: string) => {
    const { status, stdout, stderr } = await call('-j stats', options);
    t.equal(status, 0, why);
    t.equal(JSON.parse(stdout).statistics.rx.bytes, Number(state.rxBytes), why);
    t.equal(stderr, `smcd: ${file} is not used: ${why}; the full counts are shown\n`);
  };
  await call('stats reset', options);
  const good = readFileSync(file, 'utf8');
  const write = (content: string) => writeFileSync(file, content);

  state.rxBytes = 999n;
  await notUsed('it is newer than the counters: smc was loaded again');
  state.rxBytes = 1000n;
  write(good.slice(0, 500));
  await notUsed('it is damaged');
  write('null');
  await notUsed('it has another format');
  write(good.replace('"version":1', '"version":2'));
  await notUsed('it has another format');
  write(good.replace('"1000"', '"-1"'));
  await notUsed('it is damaged');
  write(good.replace('"requests"', '"other"'));
  await notUsed('it is damaged');
  write(good.replace('"code":', '"kode":'));
  await notUsed('it is damaged');
  for (const count of ['-1', '65536', '1e300', '0.5', 'null', '"7"']) {
    write(good.replace('"count":7', `"count":${count}`));
    await notUsed('it is damaged');
  }
  write(good.replace(/"time":"/, '"time":"\\u001b[31m'));
  await notUsed('it is damaged');
  write(good.replace('boot-1', 'boot-0'));
  await notUsed('it is from before the last boot');
  write(good.replace('"4026531840"', '"1"'));
  await notUsed('it is from another network namespace');
  write('x'.repeat((1 << 20) + 1));
  await notUsed('it is too large');
  write(good);
  chmodSync(file, 0o622);
  await notUsed('others can write to it');
  chmodSync(file, 0o600);
  t.equal(JSON.parse((await call('-j stats', options)).stdout).statistics.rx.bytes, 0, 'good again');
});

t.test('state files of others are neither read nor written', async (t) => {
  const options = { ...host(t), transport: inspectedKernel() };
  const directory = join(options.env.XDG_STATE_HOME, 'smc-tools');
  const victim = join(options.hostRoot, 'victim');
  writeFileSync(victim, 'precious');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  symlinkSync(victim, stateOf(options));
  t.match((await call('stats', options)).stderr, /is not used: it is a symbolic link; /);
  t.equal((await call('stats reset', options)).status, 0);
  t.equal(readFileSync(victim, 'utf8'), 'precious', 'the link was replaced, not followed');
  t.equal((await call('stats', options)).stderr, '');

  chmodSync(directory, 0o777);
  const { status, stdout, stderr } = await call('stats reset', options);
  t.equal(status, 255);
  t.match(stdout, /^SMC-D Connections Summary/);
  t.match(
    stderr,
    /smcd: .*\/smc-tools is not used: everybody can write to it; set XDG_STATE_HOME to a directory of your own\n$/,
  );
  t.match(
    (await call('stats', options)).stderr,
    /\/smc-tools is not used: everybody can write to it; the full counts/,
  );

  const nowhere = { ...options, env: {}, hostRoot: '/nonexistent' };
  t.equal((await call('stats', nowhere)).stderr, '');
  t.equal((await call('stats reset', nowhere)).status, 255);
});

t.test('state that cannot be read', async (t) => {
  const options = { ...host(t), transport: inspectedKernel() };
  await call('stats reset', options);
  // a loop of links on the way is an error for root, too
  const loop = join(options.hostRoot, 'loop');
  symlinkSync(loop, loop);
  t.equal(
    (await call('stats', { ...options, env: { XDG_STATE_HOME: loop } })).stderr,
    `smcd: the last reset is not known: ${loop}: too many symbolic links; the full counts are shown\n`,
  );
});

t.test('two resets at once', async (t) => {
  const options = { ...host(t), transport: inspectedKernel() };
  await Promise.all(Array.from({ length: 10 }, () => call('stats reset', options)));
  t.strictSame(readdirSync(join(options.env.XDG_STATE_HOME, 'smc-tools')), ['statistics-4026531840.json']);
  t.equal((await call('stats', options)).stderr, '');
});

t.test('rates', async (t) => {
  // so much that it shows as megabytes a second however long an interval really takes
  const { transport } = movingKernel((state) => {
    state.rxBytes += 100_000_000n;
  });
  const text = await stdout(t, 'stats --interval 0.2 --count=2', { transport });
  const [header, ...rows] = text.trimEnd().split('\n');
  t.equal(
    header,
    'Time         Conns/s Fallbacks/s    Errors/s  RX-Bytes/s   RX-Reqs/s  TX-Bytes/s   TX-Reqs/s   TX-Full/s',
  );
  t.equal(rows.length, 2);
  for (const row of rows)
    t.match(row, /^\d\d:\d\d:\d\d {9}0\.0 {9}0\.0 {9}0\.0 +[\d.]+M {9}0\.0 {11}0 {9}0\.0 {9}0\.0$/);
  const { intervals } = JSON.parse(await stdout(t, '-j stats --interval .1 --count 1', { transport }));
  t.match(intervals, [{ connections_per_second: 0, tx_bytes_per_second: 0 }]);
  t.ok(intervals[0].rx_bytes_per_second > 1e6);
  t.ok(intervals[0].seconds >= 0.1);

  const loadedAgain = movingKernel((state, times) => {
    if (times === 3) state.rxBytes = 0n;
  });
  const anew = await call('stats --interval 0.1 --count 3', { transport: loadedAgain.transport });
  t.equal(anew.stderr, 'smcd: the counters restarted: smc was loaded again\n');
  for (const [argv, text] of [
    ['--interval 0', "--interval '0': must be a number of seconds from 0.1 to 86400"],
    ['--interval -1', "--interval '-1': must be a number of seconds from 0.1 to 86400"],
    ['--interval 1s', "--interval '1s': must be a number of seconds from 0.1 to 86400"],
    ['--interval 1 --count 0', "--count '0': must be a number, 1 or more"],
    ['--count 3', '--count requires --interval'],
    ['reset --interval 1', 'reset does not take --interval'],
  ] as const)
    t.strictSame(
      await call(`stats ${argv}`),
      { status: 255, stdout: '', stderr: `smcd: ${text}; smcd stats help shows the usage\n` },
      argv,
    );
});

t.test('rates: --interval as the last word misses its value', async (t) => {
  const { status, stdout, stderr } = await call('stats --count 3 --interval');
  t.strictSame([status, stdout], [255, '']);
  t.match(stderr, /^smcd: option '--interval\b.*; smcd --help shows the usage\n$/);
});

t.test('rates: a failure is said in the document, too', async (t) => {
  let asked = 0;
  const transport = inspectedKernel({
    GET_STATS: () => {
      if (++asked > 2) throw new Errno('ENOMEM');
      return [{ stats: STATS }];
    },
  });
  const { status, stdout, stderr } = await call('-j stats --interval 0.1', { transport });
  t.equal(status, 255);
  t.match(JSON.parse(stdout), { intervals: [{}], error: 'the kernel does not have enough memory for this' });
  t.match(stderr, /^smcd: the kernel does not have enough memory for this; /);
});

t.test('rates end with Ctrl-C', async (t) => {
  const listeners = process.listenerCount('SIGINT');
  const { transport } = movingKernel((_state, times) => {
    if (times === 3) process.kill(process.pid, 'SIGINT');
  });
  const { status, stdout } = await call('-j stats --interval 0.1', { transport });
  t.equal(status, 0);
  t.ok(JSON.parse(stdout).intervals.length > 0, 'the document is whole');
  t.equal(process.listenerCount('SIGINT'), listeners, 'and no listener is left');
});

t.test('a kernel without statistics', async (t) => {
  t.strictSame(
    await call('stats', { transport: inspectedKernel({ GET_FBACK_STATS: fails('EOPNOTSUPP') }) }),
    {
      status: 255,
      stdout: '',
      stderr:
        'smcd: this kernel does not know the command SMC_GEN_NETLINK GET_FBACK_STATS; a newer kernel is needed\n',
    },
  );
});
