// SPDX-License-Identifier: MIT
/** The screen of smcss --watch: whole screens of made-up lists. */
import t from 'tap';
import type { SmcssOptions } from '../../../src/commands/smcss/options.ts';
import { pictureOf } from '../../../src/commands/smcss/watch/picture.ts';
import { sparkline } from '../../../src/commands/smcss/watch/sparkline.ts';
import { press, startState, type WatchState, withPicture } from '../../../src/commands/smcss/watch/state.ts';
import { type Look, pageOf, type Size, view } from '../../../src/commands/smcss/watch/view.ts';
import { connectionInfo } from '../../../src/netlink/uapi/smc-diag.ts';
import { plain } from '../../../src/output/table.ts';
import type { SeenSocket } from '../../../src/smc/seen-socket.ts';
import { SocketTracker } from '../../../src/smc/socket-tracker.ts';

interface Made extends Partial<Pick<SeenSocket, 'ownership' | 'netns'>> {
  n: number;
  state?: number;
  mode?: number;
  /** bytes received and sent */
  moved?: [number, number];
  reasons?: [number, number];
  peer?: string;
}

function socket({
  n,
  state = 1,
  mode = 0,
  moved,
  reasons = [0, 0],
  peer = '10.0.0.2',
  ...more
}: Made): SeenSocket {
  const cursor = (bytes: number) => ({
    reserved: 0,
    wrap: Math.floor(bytes / 65_536),
    count: bytes % 65_536,
  });
  const connection = moved && {
    ...connectionInfo.decode(Buffer.alloc(76), 0, 76, 'LE'),
    rmbeSize: 65_536,
    peerRmbeSize: 65_536,
    rxProd: cursor(moved[0]),
    txCons: cursor(moved[0]),
    txProd: cursor(moved[1]),
  };
  return {
    id: { interface: 0, cookieLow: n, cookieHigh: 0 },
    state,
    mode,
    inode: 7n,
    local: { address: '10.0.0.1', port: 40_000 + n },
    peer: { address: peer, port: state === 10 ? 0 : 443 },
    attributes: {
      fallback: { reason: reasons[0], peerDiagnosis: reasons[1] },
      ...(connection && { connection }),
    },
    ...more,
  } as SeenSocket;
}

const isConnected = ({ state }: SeenSocket): boolean => state !== 10;

/** What the screen shows after lists that are a second apart. */
function watched(
  lists: readonly (readonly Made[])[],
  given: Partial<Pick<WatchState, 'sort' | 'filter'>> = {},
): WatchState {
  const tracker = new SocketTracker();
  let state: WatchState | undefined;
  for (const [at, list] of lists.entries()) {
    tracker.begin(1000 * at);
    tracker.add(list.map(socket), 1000 * at);
    const changes = tracker.end({ interrupted: false });
    const time = new Date(2026, 10, 29, 9, 5, at);
    const followed = { ...changes, at: time, interrupted: false, remark() {} };
    const picture = pictureOf(tracker, followed, isConnected);
    state = state
      ? withPicture(state, picture)
      : startState(picture, { sort: 'rx', filter: '', seconds: 1, ...given });
  }
  return state!;
}

const look = (options: Partial<SmcssOptions> = {}): Look => ({
  options: options as SmcssOptions,
  paint: plain,
  isUnicode: true,
});

/** Lines of a screen, without blanks at their ends. */
const screen = (state: WatchState, size: Size, options?: Partial<SmcssOptions>): string[] =>
  view(state, size, look(options)).lines.map((line) => line.trimEnd());

const size = { width: 80, height: 14 };

const LISTS: Made[][] = [
  [
    { n: 1, moved: [0, 0] },
    { n: 2, moved: [0, 0], mode: 2 },
    { n: 3, mode: 1, reasons: [0x05000000, 0x03030000] },
    { n: 4, moved: [0, 0] },
    { n: 9, state: 10 },
  ],
  [
    { n: 5, moved: [5, 6] },
    { n: 1, moved: [1500, 70_000] },
    { n: 2, moved: [2_000_000, 0], mode: 2, state: 20 },
    { n: 3, mode: 1, reasons: [0x05000000, 0x03030000] },
    { n: 9, state: 10 },
  ],
];

t.test('a whole screen', async (t) => {
  t.strictSame(screen(watched(LISTS), size), [
    'smcss  09:05:01  every 1 s  sort rx',
    'Connections 4  over SMC 3 (75.0%): SMC-R 2, SMC-D 1  fallbacks 1  ACTIVE 3  PEER',
    'Fallbacks  NOSMCDEV 1 (1 by the peer)',
    'RX >2.002M B/s  TX >70.00K B/s  █',
    '  RX-B/s TX-B/s Mode State       Local Address        Peer Address          Age',
    '* 2.000M      0 SMCD PEERCLOSE.. 10.0.0.1:40002       10.0.0.2:443          >1s',
    '  1.500K 70.00K SMCR ACTIVE      10.0.0.1:40001       10.0.0.2:443          >1s',
    '+      ?      ? SMCR ACTIVE      10.0.0.1:40005       10.0.0.2:443           0s',
    '-      ?      ? SMCR ACTIVE      10.0.0.1:40004       10.0.0.2:443          >0s',
    '       -      - TCP  ACTIVE      10.0.0.1:40003       10.0.0.2:443          >1s',
    '',
    '',
    '',
    'q quit  space pause  s sort  / filter  arrows PgUp PgDn Home End        1-5 of 5',
  ]);
});

t.test('gone for one list; nothing to show', async (t) => {
  const lines = screen(watched([...LISTS, []]), size);
  t.match(lines.slice(1, 5).join('|'), /^Connections 0 .*\|Fallbacks {2}none\|RX +0 B\/s/);
  t.equal(lines.slice(5, 13).filter((line) => line.startsWith('- ')).length, 4, 'those of the list before');
  t.match(lines.at(-1), /1-4 of 4$/);
  const empty = screen(watched([...LISTS, [], []]), size);
  t.strictSame(empty.slice(5, 13), Array(8).fill(''));
  t.match(empty.at(-1), / no sockets$/);
});

t.test('more columns on a wider screen', async (t) => {
  const header = (width: number, options?: Partial<SmcssOptions>): string =>
    screen(watched(LISTS), { width, height: 14 }, options)[4]!;
  t.equal(
    header(150),
    '  RX-B/s TX-B/s Mode State       Local Address           Peer Address             Age Filled RX-blk TX-blk Reason',
  );
  t.match(screen(watched(LISTS), { width: 150, height: 14 })[9], / - PEERDECL\/NOSMCDEV$/);
  t.match(
    header(80, { processes: true, allNetns: true }),
    /Peer Address +Netns$/,
    'what was asked for comes first',
  );
  t.match(header(100, { processes: true, allNetns: true }), /Peer Address +Netns +Owner$/);
  t.ok(header(220, { wide: true }).indexOf('Peer') - header(220, { wide: true }).indexOf('Local') === 46);
  const owned = watched([
    [
      {
        n: 1,
        moved: [0, 0],
        netns: { inode: 5, name: 'blue', container: undefined, file: '' },
        ownership: {
          state: 'held',
          holders: [{ command: '\x1b[2Jevil', pid: 7, fd: 8, unit: 'a.service', container: undefined }],
        },
      },
    ],
  ]);
  t.match(
    screen(owned, { width: 140, height: 14 }, { processes: true, allNetns: true })[5],
    / blue +>0s .*users:\(\("\\x1b\[2Jevil",pid=7,fd=8\)\)/,
  );
});

t.test('every line fits, however small the terminal', async (t) => {
  const state = {
    ...watched(LISTS),
    notices: ['a danger '.repeat(30)],
    edit: { text: 'x'.repeat(99), error: 'no' },
  };
  for (const width of [4, 10, 39, 79, 80, 81, 120, 300])
    for (const height of [1, 3, 4, 9, 10, 11, 24, 60])
      for (const one of [state, { ...state, edit: undefined }]) {
        const { lines, cursor } = view(one, { width, height }, look({ processes: true }));
        const widest = Math.max(...lines.map((line) => line.length));
        if (widest > width || lines.length !== height || (cursor && cursor.column >= width))
          t.fail(`${width}x${height}: ${lines.length} lines of ${widest}`);
      }
  t.strictSame(
    screen(watched(LISTS), { width: 80, height: 5 })
      .slice(1, 4)
      .map((line) => line.slice(0, 17)),
    ['  RX-B/s TX-B/s M', '* 2.000M      0 S', '  1.500K 70.00K S'],
  );
});

t.test('colours', async (t) => {
  const marks: Look = { ...look(), paint: (style, text) => `<${style}>${text.trim()}</>` };
  const lines = view(watched(LISTS), size, marks).lines;
  t.match(lines[0], /^<heading>smcss/);
  t.match(lines[5], /^<heading>\* 2\.000M/);
  t.match(lines[6], /^ {2}1\.500K 70\.00K <good>SMCR<\/> ACTIVE/);
  t.match(lines[7], /^<good>\+/);
  t.match(lines[8], /^<dim>-/);
  t.match(lines[9], / <bad>TCP<\/> /);
});

t.test('orders', async (t) => {
  const lists: Made[][] = [
    [
      { n: 8, moved: [0, 0], peer: '10.0.0.9' },
      { n: 7, mode: 1, reasons: [0x03030000, 0], peer: '10.0.0.3' },
    ],
    [
      { n: 1, moved: [0, 0], peer: '10.0.0.4' },
      { n: 8, moved: [10, 20], peer: '10.0.0.9' },
      { n: 7, mode: 1, reasons: [0x03030000, 0], peer: '10.0.0.3' },
    ],
  ];
  const order = (sort: WatchState['sort']): string =>
    watched(lists, { sort })
      .rows.map(({ socket }) => socket.id.cookieLow)
      .join(' ');
  t.equal(order('rx'), '8 1 7');
  t.equal(order('tx'), '8 1 7');
  t.equal(order('age'), '1 8 7', 'the youngest first');
  t.equal(order('port'), '8 7 1', 'all of port 443, as they were met');
  t.equal(order('peer'), '7 1 8');
  t.equal(order('reason'), '7 8 1');
});

const many = (count: number): WatchState =>
  watched([Array.from({ length: count }, (_, at) => ({ n: at, moved: [0, 0] as [number, number] }))]);

/** The state after keys, and the last wish. */
function typed(state: WatchState, ...keys: string[]): { state: WatchState; wish?: unknown } {
  return keys.reduce<{ state: WatchState; wish?: unknown }>(
    (before, key) => press(before.state, key, pageOf(before.state, size)),
    { state },
  );
}

t.test('keys move the rows', async (t) => {
  const foot = (...keys: string[]): string =>
    screen(typed(many(100), ...keys).state, size)
      .at(-1)!
      .replace(/.* (\S+ of)/, '$1');
  t.equal(foot(), '1-8 of 100');
  t.equal(foot('down', 'down', 'up'), '2-9 of 100');
  t.equal(foot('up'), '1-8 of 100');
  t.equal(foot('page-down', 'page-down'), '17-24 of 100');
  t.equal(foot('end'), '93-100 of 100');
  t.equal(foot('end', 'page-down', 'down', 'page-up'), '85-92 of 100');
  t.equal(foot('end', 'home'), '1-8 of 100');
  t.equal(foot('end', 's'), '1-8 of 100', 'another order starts at the top');
  const { state } = typed(many(100), 'end');
  const fewer = { ...state, rows: state.rows.slice(0, 10) };
  t.match(screen(fewer, size).at(-1), / 3-10 of 10$/, 'there are fewer rows now');
});

t.test('keys that do something', async (t) => {
  const state = many(3);
  t.equal(typed(state, 'q').wish, 'quit');
  t.equal(typed(state, 'ctrl-c').wish, 'quit');
  t.equal(typed(state, 'ctrl-z').wish, 'suspend');
  t.equal(typed(state, 'ctrl-l').wish, 'redraw');
  t.equal(typed(state, 'x').state, state);
  const paused = typed(state, ' ');
  t.equal(paused.wish, undefined);
  t.match(screen(paused.state, size)[0], /PAUSED/);
  t.equal(typed(paused.state, ' ').wish, 'resume');
  t.match(screen(typed(state, 's').state, size)[0], /sort tx$/);
  t.match(screen(typed(state, ...Array(6).fill('s')).state, size)[0], /sort rx$/);
});

t.test('the line for a filter', async (t) => {
  const state = { ...many(3), filter: 'dport = :1' };
  const shown = (...keys: string[]): string => screen(typed(state, ...keys).state, size).at(-1)!;
  t.equal(shown('/'), '/dport = :1');
  t.equal(shown('/', 'backspace', 'é', 'q', ' ', 's'), '/dport = :éq s');
  t.equal(shown('/', 'ctrl-w', '2', 'down', 'delete'), '/dport = 2');
  t.equal(shown('/', 'ctrl-u'), '/');
  t.match(shown('/', 'escape'), /^q quit/);
  t.strictSame(typed(state, '/', ' ', 'enter').wish, { filter: 'dport = :1' });
  t.equal(typed(state, '/', 'ctrl-c').wish, 'quit');
  const { lines, cursor } = view(
    { ...state, edit: { text: 'dprt', error: "filter, column 1: expected a condition; found 'dprt'" } },
    size,
    look(),
  );
  t.equal(lines.length, size.height);
  t.strictSame(lines.slice(-2), ["filter, column 1: expected a condition; found 'dprt'", '/dprt']);
  t.strictSame(cursor, { row: 13, column: 5 });
});

t.test('sparklines', async (t) => {
  t.equal(sparkline([0, 1, 4, 7], 10, true), '▁▂▅█');
  t.equal(sparkline([0, 1, 4, 7], 2, true), '▅█');
  t.equal(sparkline([0, 1, 7], 10, false), '_.@');
  t.equal(sparkline([0, 0], 10, true), '▁▁');
  t.equal(sparkline([1], 0, true), '');
  t.equal(sparkline([], 9, true), '');
});
