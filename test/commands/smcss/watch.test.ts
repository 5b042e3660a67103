// SPDX-License-Identifier: MIT
/** smcss --watch without a terminal, with lists of a kernel in memory. */
import t, { type Test } from 'tap';
import { smcss } from '../../../src/commands/smcss/command.ts';
import type { SocketWatchDocument } from '../../../src/documents/smcss.ts';
import { connectionInfo } from '../../../src/netlink/uapi/smc-diag.ts';
import { FakeKernel } from '../../helpers/fake-kernel.ts';
import { type Outcome, runCommand } from '../../helpers/run-command.ts';
import { validate } from '../../helpers/schemas.ts';
import { LISTEN, SMCD, socket, TCP } from '../../helpers/smc-sockets.ts';

const size = 65_536;

/** A connection that has sent so many bytes. */
const sent = (bytes: number): object => ({
  connection: {
    ...connectionInfo.decode(Buffer.alloc(76), 0, 76, 'LE'),
    rmbeSize: size,
    peerRmbeSize: size,
    txProd: { reserved: 0, wrap: Math.floor(bytes / size), count: bytes % size },
  },
});

const first = socket({ mode: SMCD, from: '10.0.0.1:1', attributes: sent(0) });
const fallback = socket({
  mode: TCP,
  from: '10.0.0.1:2',
  attributes: { fallback: { reason: 0x03010000, peerDiagnosis: 0 } },
});
const listener = socket({ state: LISTEN, from: '10.0.0.1:3', to: '0.0.0.0:0' });
const young = socket({ mode: SMCD, from: '10.0.0.1:4', attributes: sent(77) });

/** The first list has a probe behind it. */
const LISTS: object[][] = [
  [first, fallback, listener],
  [first],
  [
    young,
    { ...first, state: 20, attributes: { ...(first as { attributes: object }).attributes, ...sent(5000) } },
    listener,
  ],
];

async function watch(t: Test, argv: string, lists = LISTS): Promise<Outcome> {
  const kernel = new FakeKernel();
  kernel.datagramSize = 30_000;
  let count = 0;
  kernel.sockets = () => {
    const rows = lists[count++] ?? [];
    // Ctrl-C, when this list has been printed
    if (count === lists.length) setImmediate(() => process.emit('SIGINT', 'SIGINT'));
    return rows;
  };
  const hostRoot = t.testdir({ proc: { net: { protocols: '' } } });
  const outcome = await runCommand(smcss, argv, { transport: kernel, hostRoot });
  t.equal(outcome.status, 0, outcome.stderr);
  t.equal(count, lists.length);
  return outcome;
}

t.test('a table for each list, with its time', async (t) => {
  const { stdout } = await watch(t, '--watch 0.2');
  const [one = '', other = ''] = stdout.split('\n\n');
  const time = String.raw`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
  t.match(one, new RegExp(`^${time}  connections 2  over SMC 1  RX >0 B/s  TX >0 B/s\nState `));
  t.match(one, /10\.0\.0\.1:1 .* SMCD .* \? +\? .*\n.*10\.0\.0\.1:2 .* TCP {2}0x03010000 .* - +- [^\n]*$/);
  t.match(other, new RegExp(`^${time}  connections 2  over SMC 2  RX >0 B/s  TX >[0-9.]+K? B/s\nState `));
  const rows = other.trimEnd().split('\n').slice(2);
  t.equal(rows.length, 2, 'what is gone is not in the table');
  t.match(rows[0], /^PEERCLOSEWAIT1 .*10\.0\.0\.1:1 .*[1-9][0-9.]*K? +0% +0% +0% *$/);
  t.match(rows[1], /^ACTIVE .*10\.0\.0\.1:4 /);
});

t.test('filters, orders and no header', async (t) => {
  const { stdout } = await watch(t, '-aH --watch=0.2 --sort port not mode tcp');
  const tables = stdout.trimEnd().split('\n\n');
  t.strictSame(
    tables.map((table) =>
      table
        .split('\n')
        .slice(1)
        .map((row) => /10\.0\.0\.1:(\d)/.exec(row)?.[1]),
    ),
    [
      ['1', '3'],
      ['1', '3', '4'],
    ],
  );
});

t.test('JSON documents, one in a line', async (t) => {
  const { stdout } = await watch(t, '--watch 0.2 -j --sort tx');
  const lines = stdout.trimEnd().split('\n');
  t.equal(lines.length, 2);
  for (const line of lines) t.strictSame(validate('smcss --watch', JSON.parse(line)), []);
  const [one, other] = lines.map((line) => JSON.parse(line) as SocketWatchDocument);
  t.strictSame(
    one?.sockets.map(({ watched }) => watched),
    [
      { seconds: 0, from_start: false, rx_bytes: 0, tx_bytes: 0, change: null },
      { seconds: 0, from_start: false, rx_bytes: null, tx_bytes: null, change: null },
    ],
  );
  t.strictSame(one?.gone, []);
  t.match(one?.rates, { unknown: 1 });
  t.match(other?.sockets[0], {
    state: 'PEERCLOSEWAIT1',
    watched: { from_start: false, tx_bytes: 5000, change: 'changed' },
  });
  const [changed] = other!.sockets;
  t.ok(Math.abs(changed!.rates!.tx_bytes_per_second! * changed!.rates!.seconds - 5000) < 1);
  t.match(other?.sockets[1], { rates: null, watched: { from_start: true, tx_bytes: 77, change: 'new' } });
  t.match(other?.gone, [{ mode: 'TCP', watched: { change: 'gone' } }]);
  t.match(other?.rates, { tx_bytes_per_second: changed!.rates!.tx_bytes_per_second, unknown: 1 });
  t.ok(Date.parse(other!.time) > Date.parse(one!.time));
});

t.test('what cannot be watched', async (t) => {
  for (const [argv, message] of [
    ['--watch 0', /^smcss: --watch '0': must be a number of seconds from 0\.1 to 3600/],
    ['--watch -i', /^smcss: --watch shows rates: leave --rates out/],
    ['--watch -s', /^smcss: --watch and --summary exclude each other/],
    ['--watch --group-by peer', /^smcss: --watch and --group-by exclude each other/],
    ['--watch -d', /^smcss: --watch and --debug exclude each other/],
    ['--sort rx', /^smcss: --sort requires --watch/],
    ['--watch --sort=uid', /^smcss: --sort 'uid': must be rx, tx, age, port, peer or reason/],
    ['--watch dprt = :1', /^smcss: filter, column 1: expected/],
  ] as const) {
    const { status, stderr, stdout } = await runCommand(smcss, argv, { transport: new FakeKernel() });
    t.equal(status, 1);
    t.equal(stdout, '');
    t.match(stderr, message);
  }
  const recorded = await runCommand(smcss, '--watch', { transport: new FakeKernel(), isRecorded: true });
  t.match(recorded.stderr, /^smcss: --watch needs the running system and cannot be used with --from/);
});

t.test('a kernel that lists may crash: the warning comes once', async (t) => {
  const hostRoot = t.testdir({
    proc: { net: { protocols: '' }, sys: { kernel: { osrelease: '6.12.1\n' } } },
  });
  const kernel = new FakeKernel();
  let lists = 0;
  kernel.sockets = () => {
    if (++lists === 4) setImmediate(() => process.emit('SIGINT', 'SIGINT'));
    return [];
  };
  const { stderr } = await runCommand(smcss, '--watch 0.1 -j', { transport: kernel, hostRoot });
  t.equal(stderr.match(/querying this kernel is dangerous/g)?.length, 1, stderr);
});
