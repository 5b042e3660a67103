// SPDX-License-Identifier: MIT
/** smcss --rates: three lists of a kernel in memory. */
import t, { type Test } from 'tap';
import { smcss } from '../../src/commands/smcss/command.ts';
import { connectionInfo } from '../../src/netlink/uapi/smc-diag.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';
import { type Outcome, runCommand } from '../helpers/run-command.ts';

const address = (last: number): Uint8Array => Uint8Array.from([10, 0, 0, last, ...Array(12).fill(0)]);

function row(port: number, mode: number, connection?: object): object {
  const id = {
    sourcePort: port,
    destinationPort: 443,
    source: address(1),
    destination: address(2),
    interface: 0,
    cookieLow: port,
    cookieHigh: 0,
  };
  const attributes = {
    shutdown: 0,
    fallback: { reason: 0, peerDiagnosis: 0 },
    ...(connection && { connection }),
  };
  return { family: 43, state: 1, mode, shutdown: 0, id, uid: 0, inode: BigInt(port), attributes };
}

/** A connection that has sent so many bytes, and waits if that is odd. */
function connection(sent: number): object {
  const size = 65_536;
  return {
    ...connectionInfo.decode(Buffer.alloc(76), 0, 76, 'LE'),
    rmbeSize: size,
    peerRmbeSize: size,
    txProd: { reserved: 0, wrap: Math.floor(sent / size), count: sent % size },
    txProdFlags: sent % 2 ? 0x80 : 0,
  };
}

async function rates(t: Test, argv: string): Promise<{ outcome: Outcome; lists: number }> {
  const kernel = new FakeKernel();
  let lists = 0;
  kernel.sockets = () => {
    const sent = [0, 1001, 100_001][lists++]!;
    return [
      row(1, 2, connection(sent)),
      row(2, 2, connection(0)),
      row(3, 1),
      ...(lists === 3 ? [row(4, 2, connection(5))] : []),
    ];
  };
  const hostRoot = t.testdir({ proc: { net: { protocols: '' } } });
  const outcome = await runCommand(smcss, argv, { transport: kernel, hostRoot });
  t.equal(outcome.status, 0, outcome.stderr);
  return { outcome, lists };
}

t.test('columns behind those of the C suite', async (t) => {
  const { outcome, lists } = await rates(t, '-i 0.1');
  t.equal(lists, 3);
  const [header = '', ...lines] = outcome.stdout.trimEnd().split('\n');
  t.match(header, /Mode Reason +RX-B\/s TX-B\/s Filled RX-blk TX-blk/);
  const cells = lines.map((line) => line.slice(header.indexOf('RX-B/s')).trim().split(/ +/));
  t.match(cells[0]!.join(' '), /^0 [0-9.]+[KM]? 0% 0% 67%$/);
  t.strictSame(cells.slice(1), [
    ['0', '0', '0%', '0%', '0%'],
    ['-', '-', '-', '-', '-'],
    ['?', '?', '?', '?', '?'],
  ]);
});

t.test('the same as JSON, with the time that was measured', async (t) => {
  const { outcome } = await rates(t, '-j --rates=0.2');
  const { sockets } = JSON.parse(outcome.stdout);
  const [first, idle, fallback, young] = sockets.map((socket: { rates: unknown }) => socket.rates);
  t.ok(first.seconds >= 0.2, `${first.seconds} s`);
  t.equal(first.tx_bytes_per_second, Math.round(100_001 / first.seconds));
  t.equal(first.tx_writer_blocked, 2 / 3);
  t.match(idle, { rx_bytes_per_second: 0, tx_bytes_per_second: 0, rx_buffer_fill: 0, rx_writer_blocked: 0 });
  t.strictSame([fallback, young], [null, null]);
});

t.test('filters choose before the columns', async (t) => {
  const { outcome } = await rates(t, '-H -i 0.1 sport = :2');
  t.equal(outcome.stdout.split('\n').length, 2);
  t.match(outcome.stdout, /10\.0\.0\.1:2 /);
});

t.test('sums of groups', async (t) => {
  const { outcome, lists } = await rates(t, '-i 0.2 --group-by=peer');
  t.equal(lists, 3);
  const [header = '', line = ''] = outcome.stdout.split('\n');
  t.equal(header, 'Connections   SMC-R   SMC-D     TCP   RX-B/s   TX-B/s  Peer');
  // one of the connections was not there at first
  t.match(line, / 4 +0 +3 +1 +>0 +>[0-9.]+K {2}10\.0\.0\.2$/);
  const { stdout } = (await rates(t, '-j -i 0.2 --group-by=peer')).outcome;
  const [group] = JSON.parse(stdout).groups;
  t.match(group, { connections: 4, rates: { rx_bytes_per_second: 0, unknown: 1 } });
  t.ok(group.rates.tx_bytes_per_second > 0);
});

t.test('for one second, unless another time is given', async (t) => {
  const { outcome } = await rates(t, '-jHi sport = :2');
  const { sockets } = JSON.parse(outcome.stdout);
  t.equal(sockets.length, 1, 'what follows is a filter');
  t.ok(sockets[0].rates.seconds >= 1, sockets[0].rates.seconds);
});

t.test('what cannot be measured', async (t) => {
  for (const [argv, message] of [
    ['-i 0', /^smcss: --rates '0': must be a number of seconds from 0\.1 to 3600/],
    ['--rates=x', /^smcss: --rates 'x': must be/],
    ['-i 1 -l', /-l.*-i|-i.*-l|listening.*rates|rates.*listening/],
    ['-i 1 -s', /-s.*-i|-i.*-s|summary.*rates|rates.*summary/],
  ] as const) {
    const { status, stderr, stdout } = await runCommand(smcss, argv, { transport: new FakeKernel() });
    t.equal(status, 1);
    t.equal(stdout, '');
    t.match(stderr, message);
  }
  const { stderr } = await runCommand(smcss, ['--rates=1'], {
    transport: new FakeKernel(),
    isRecorded: true,
  });
  t.match(stderr, /--rates needs the running system and cannot be used with --from/);
});
