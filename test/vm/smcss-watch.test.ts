// SPDX-License-Identifier: MIT
// smcss --rates beside iperf3, which sends at a known speed, and smcss --watch in a real terminal, which tmux is.
import t, { type Test } from 'tap';
import type { SocketWatchDocument } from '../../src/documents/smcss.ts';
import { validate } from '../helpers/schemas.ts';
import { addUeid, bootWithSuite, iperf, on, waitFor } from './suite.ts';

/** Bytes per second: iperf3 of suite.ts is throttled to 5 Mbit/s. It sends blocks of 128 KiB, 2% of what it sends in 10 seconds. */
const SPEED = 5e6 / 8;
const PORT = 7111;

const guest = await bootWithSuite({ kernel: '6.12-smcd' });
t.teardown(() => guest.close());
await addUeid(guest);
const { stop } = await iperf(guest, PORT);

t.test('rates over loopback-ism', async (t) => {
  const { stdout } = await guest.run('smcss -j -i 10', { check: true });
  const found = on(PORT, JSON.parse(stdout).sockets) as unknown as { rates: Record<string, number> }[];
  t.comment(JSON.stringify(found.map(({ rates }) => rates)));
  const fastest = (key: string): number => Math.max(...found.map(({ rates }) => rates[key] ?? 0));
  for (const key of ['rx_bytes_per_second', 'tx_bytes_per_second'])
    t.ok(Math.abs(fastest(key) / SPEED - 1) < 0.1, `${key}: ${fastest(key)}, iperf3 ${SPEED}`);
});

t.test('one document for each list, until it is stopped', async (t) => {
  const { stdout } = await guest.run(
    `ip netns add blue; smcss -jAp --watch 0.5 >/tmp/documents & wait_for 'wc -l </tmp/documents' '^([4-9]|..)' && kill $! && wait $!
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
  await shows('RX +[0-9.]+K B/s +TX +[0-9.]+K B/s');
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
  t.match(lines[5], /^ {2}[ \d.K]{6} [ \d.K]{6} SMCD ACTIVE {6}[:f]*127\.0\.\S+:\d+ +[:f]*127\.0\.\S+:\d+/);
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
