// SPDX-License-Identifier: MIT
// smcss --rates beside iperf3, which sends at a known speed, and of a known number of bytes in another network namespace;
// smcss --watch in a real terminal, which tmux is.
// On 6.1, a guest has no connections with rates; control-plane.test.ts has the lists of --watch there.
import t, { type Test } from 'tap';
import type { SocketNamespace, SocketRates, SocketWatchDocument } from '../../src/documents/smcss.ts';
import { validate } from '../helpers/schemas.ts';
import { waitUntil } from '../helpers/wait.ts';
import {
  addUeid,
  bootWithSuite,
  iperf,
  type JsonSocket,
  OVER_SMC,
  on,
  waitFor,
  waitForOutput,
} from './suite.ts';

/** Bytes per second: iperf3 of suite.ts is throttled to 5 Mbit/s. It sends blocks of 128 KiB, 2% of what it sends in 10 seconds. */
const SPEED = 5e6 / 8;
const PORT = 7111;

const isSpeed = (rate: number): boolean => Math.abs(rate / SPEED - 1) < 0.1;

const guest = await bootWithSuite({ kernel: '6.12-smcd' });
t.teardown(() => guest.close());
await addUeid(guest);
const { stop } = await iperf(guest, PORT);

t.test('rates over loopback-ism', async (t) => {
  const seen: number[][] = [];
  // iperf3 itself is late on a machine that has much to do, and then catches up
  await waitUntil(
    `the speed of iperf3, ${SPEED}`,
    async () => {
      const { stdout } = await guest.run('smcss -j -i 10', { check: true });
      const all = on(PORT, JSON.parse(stdout).sockets) as unknown as { rates: Record<string, number> }[];
      t.comment(JSON.stringify(all.map(({ rates }) => rates)));
      const found = ['rx_bytes_per_second', 'tx_bytes_per_second'].map((key) =>
        Math.max(...all.map(({ rates }) => rates[key] ?? 0)),
      );
      seen.push(found);
      return found.every(isSpeed);
    },
    { seen: () => seen },
  );
  t.pass(`rates ${seen.at(-1)}, iperf3 ${SPEED}`);
});

t.test('rates in all network namespaces, to the byte', async (t) => {
  const port = 7112;
  await guest.run('ip netns add blue && ip -n blue link set lo up && mkfifo /tmp/bytes', { check: true });
  const program = await guest.start(
    `exec ip netns exec blue ${OVER_SMC} python3 test/vm/programs/own-connection.py ${port} 0 </tmp/bytes`,
  );
  const holder = await guest.start('exec 3>/tmp/bytes; sleep infinity & wait');
  await waitForOutput(program, 'the connection', Number);
  const sent = 1_000_000;
  for (let [seconds, round] = [3, 1]; t.ok(seconds < 1000); seconds *= 2, round++) {
    const run = await guest.start(`exec env SMC_TOOLS_DEBUG=1 smcss -jAi ${seconds} 2>/tmp/debug`);
    // two lists of two namespaces
    await waitFor(guest, "grep -c '^<.* SMC sockets .* DONE' /tmp/debug", { shows: '^[4-9]' });
    await guest.run(`echo ${sent} >/tmp/bytes`, { check: true });
    await waitForOutput(program, 'all bytes', (stdout) => stdout.split('\n').length > round + 1);
    // it was between the first list and the last only if that has not begun
    const { stdout: lists } = await guest.run("grep -c '^> .* SMC sockets ' /tmp/debug", { check: true });
    const { status, stdout } = await run.wait();
    if (lists !== '4\n') continue;
    t.equal(status, 0);
    t.strictSame(validate('smcss -jAi', stdout), []);
    const all = JSON.parse(stdout).sockets as (JsonSocket & { rates: SocketRates; netns: SocketNamespace })[];
    const elsewhere = on(PORT, all).map((socket) => (socket as (typeof all)[0]).netns.name);
    t.strictSame([...new Set(elsewhere)], [null], 'iperf3 is in the initial one');
    const moved = on(port, all).map((socket) => {
      const { netns, rates, peer } = socket as (typeof all)[0];
      const bytes = (rate: number | null) => Math.round((rate ?? Number.NaN) * rates.seconds);
      return {
        isClient: peer?.port === port,
        netns: netns.name,
        rx: bytes(rates.rx_bytes_per_second),
        tx: bytes(rates.tx_bytes_per_second),
      };
    });
    t.comment(JSON.stringify(moved));
    // rates are whole numbers
    const isAll = (bytes: number) => Math.abs(bytes - sent) <= seconds + 1;
    t.equal(moved.length, 2);
    for (const { isClient, netns, rx, tx } of moved) {
      t.equal(netns, 'blue');
      t.strictSame(isClient ? [isAll(tx), rx] : [isAll(rx), tx], [true, 0]);
    }
    break;
  }
  holder.kill();
  t.equal((await program.wait()).status, 0);
});

t.test('one document for each list, until it is stopped', async (t) => {
  // from the fourth on; iperf3 may send nothing for some of them
  const { stdout } = await guest.run(
    `smcss -jAp --watch 0.5 >/tmp/documents & wait_for 'tail -n +4 /tmp/documents' '"tx_bytes":[1-9]' && kill $! && wait $!
echo status $? && cat /tmp/documents`,
    { check: true },
  );
  const [status, ...lines] = stdout.trimEnd().split('\n');
  t.equal(status, 'status 0');
  for (const line of lines) t.strictSame(validate('smcss --watch', JSON.parse(line)), []);
  const last = JSON.parse(lines.at(-1)!) as SocketWatchDocument;
  const sent = last.sockets.map(({ watched }) => watched?.tx_bytes ?? 0);
  const holders = last.sockets.flatMap(({ owners = [] }) => owners.map(({ command }) => command));
  t.strictSame([...new Set(holders)], ['iperf3']);
  t.ok(Math.max(...sent) > 0, `bytes sent since the first list: ${sent}`);
});

const tmux = 'tmux -L watch -f /dev/null';

/** Types into the terminal. */
const type = (...keys: string[]): Promise<unknown> =>
  guest.run(`${tmux} send-keys ${keys.map((key) => `'${key}'`).join(' ')}`, { check: true });

/** Waits until a line of the terminal matches a pattern of grep -E. */
const shows = (pattern: string): Promise<void> =>
  waitFor(guest, `${tmux} capture-pane -p`, { shows: pattern });

async function screen(): Promise<string[]> {
  const { stdout } = await guest.run(`${tmux} capture-pane -p`, { check: true });
  return stdout.replace(/\n$/, '').split('\n');
}

/** The modes of the terminal, and its screen as far as it was there before. */
async function looksUntouched(t: Test, how: string): Promise<void> {
  await type(
    `stty -a | grep -v rows >/tmp/after; echo ${how} $(cmp /tmp/before /tmp/after && echo same)`,
    'Enter',
  );
  await shows(`^${how} same`);
  const [first] = await screen();
  t.match(first, /before all/, `the screen after ${how}`);
}

const WATCH = `smcss --watch 0.5 sport = :${PORT} or dport = :${PORT}; echo status $?`;

t.test('in a terminal', async (t) => {
  await guest.run(`${tmux} new-session -d -x 100 -y 20 'bash --norc'`, { check: true });
  await type('clear; stty -a | grep -v rows >/tmp/before; echo before all', 'Enter');
  await shows('^before all');

  await type(WATCH, 'Enter');
  await shows('SMCD ACTIVE');
  await shows('RX +[0-9.]+[KM] B/s +TX +[0-9.]+[KM] B/s');
  const lines = await screen();
  t.equal(lines.length, 20);
  t.match(
    lines[0],
    /^smcss {2}\d\d:\d\d:\d\d {2}every 0\.5 s {2}sort rx {2}filter sport = :7111 or dport = :7111/,
  );
  t.match(
    lines[1],
    /^Connections (\d+) {2}over SMC \1 \(100\.0%\): SMC-R 0, SMC-D \1 {2}fallbacks 0 {2}ACTIVE \1/,
  );
  t.equal(lines[2], 'Fallbacks  none');
  t.match(lines[4], /^ {2}RX-B\/s TX-B\/s Mode State {7}Local Address +Peer Address/);
  // iperf3 that was late catches up with megabytes
  t.match(lines[5], /^ {2}[ \d.KM]{6} [ \d.KM]{6} SMCD ACTIVE {6}[:f]*127\.0\.\S+:\d+ +[:f]*127\.0\.\S+:\d+/);
  t.match(lines[19], /^q quit {2}space pause .* 1-\d of \d$/);

  await type('s');
  await shows('sort tx');
  await type('Space');
  await shows('PAUSED');
  await type('Space', '/', 'C-u');
  await type('dprt', 'Enter');
  await shows('^filter, column 1: expected');
  await type('C-u', 'mode smcr', 'Enter');
  await shows('sort tx {2}filter mode smcr'.replace(' {2}', '  '));
  await shows('no sockets');
  await type('/', 'C-u', 'Enter');
  await shows('SMCD ACTIVE');

  await guest.run(`${tmux} resize-window -x 80 -y 12`, { check: true });
  await waitFor(guest, `${tmux} capture-pane -p | sed -n 12p`, { shows: '^q quit' });

  await type('C-z');
  await shows('Stopped');
  await looksUntouched(t, 'stopped');
  await type('clear; echo before all', 'Enter');
  await shows('^before all');
  // the shell has gone on behind smcss
  await type('fg; echo status $?', 'Enter');
  await shows('^q quit');
  await type('q');
  await shows('^status 0');
  await looksUntouched(t, 'quit');
});

t.test('it leaves the terminal as it was, however it ends', async (t) => {
  const ends: [how: string, end: () => Promise<unknown>, status: string][] = [
    ['interrupted', () => type('C-c'), 'status 0'],
    [
      'terminated',
      () => guest.run('kill -TERM $(pgrep -f "[s]mcss.js --watch")', { check: true }),
      'status 143',
    ],
    ['hung-up', () => guest.run('kill -HUP $(pgrep -f "[s]mcss.js --watch")', { check: true }), 'status 129'],
  ];
  for (const [how, end, status] of ends) {
    await type('clear; echo before all', 'Enter');
    await shows('^before all');
    await type(WATCH, 'Enter');
    await shows('^q quit');
    await end();
    await shows(`^${status}`);
    await looksUntouched(t, how);
  }
  await guest.run(`${tmux} kill-server`, { check: true });
  await stop();
});
