// SPDX-License-Identifier: MIT
import t from 'tap';
import type { SocketOwners } from '../../src/host/socket-owners.ts';
import type { SeenSocket } from '../../src/smc/seen-socket.ts';
import type { TracedFallback } from '../../src/smc/smc-trace.ts';
import { type ConnectionEvent, SocketEvents, UNKNOWN_FD } from '../../src/smc/socket-events.ts';
import { SocketTracker } from '../../src/smc/socket-tracker.ts';

interface Made {
  cookie: number;
  state?: number;
  mode?: number;
  inode?: number;
  reason?: number;
  port?: number;
}

const SMCR = 0;
const TCP = 1;
const INIT = 2;
const PEERNOSMC = 0x03010000;
const NOSMCDEV = 0x03030000;

const socket = ({
  cookie,
  state = 1,
  mode = SMCR,
  inode = cookie,
  reason = 0,
  port = 1000 + cookie,
}: Made): SeenSocket =>
  ({
    id: { interface: 0, cookieLow: cookie, cookieHigh: 0 },
    state,
    mode,
    inode: BigInt(inode),
    attributes: { fallback: { reason, peerDiagnosis: 0 } },
    local: { address: '10.0.0.1', port },
    peer: { address: '10.0.0.2', port: 443 },
  }) as SeenSocket;

/** Process 500 + N holds inode N. */
const owners = {
  holdersOf: (inode: bigint) => [
    { command: 'a', pid: 500 + Number(inode), fd: 3, unit: undefined, container: undefined },
  ],
} as unknown as SocketOwners;

const traced = (at: number, reason: number, pid?: number, netnsCookie = 1n): TracedFallback => ({
  kind: 'fallback',
  at,
  reason,
  netnsCookie,
  process: {
    command: pid === undefined ? 'kworker/0:1' : 'curl',
    pid: pid ?? 9,
    uid: 0,
    isKernel: pid === undefined,
    unit: undefined,
    container: undefined,
  },
});

/** A list a second, which takes 10 ms. */
class Lists {
  readonly tracker = new SocketTracker();
  readonly events = new SocketEvents();
  #at = 0;

  constructor(first: readonly Made[] = []) {
    this.#list(first);
    this.events.begin(this.tracker.sockets(), undefined, () => undefined);
  }

  #list(sockets: readonly Made[]) {
    this.tracker.begin(this.#at);
    this.tracker.add(sockets.map(socket), this.#at);
    return this.tracker.end({ interrupted: false });
  }

  next(sockets: readonly Made[], known?: SocketOwners): ConnectionEvent[] {
    this.#at += 1000;
    return this.events.take(this.#list(sockets), {
      times: { begin: this.#at, end: this.#at + 10 },
      owners: known,
      sideOf: ({ local }) => (local.port === 1001 ? 'server' : 'client'),
      cookieOf: () => 1n,
    });
  }
}

const brief = (events: readonly ConnectionEvent[]) =>
  events.map(({ kind, source, at, socket: { id, ownership } }) => [
    kind,
    source,
    at,
    id.cookieLow,
    ...(ownership?.holders.map(({ pid }) => pid) ?? []),
  ]);

t.test('a connection begins, closes and ends', async (t) => {
  const lists = new Lists([{ cookie: 9 }]);
  t.match(brief(lists.next([{ cookie: 1 }, { cookie: 9 }], owners)), [['appeared', 'list', 1010, 1, 501]]);
  t.strictSame(brief(lists.next([{ cookie: 1 }, { cookie: 9 }])), []);
  const closing = lists.next([{ cookie: 1, state: 22 }, { cookie: 9 }]);
  t.match(closing, [
    { kind: 'changed', socket: { state: 22 }, before: { state: 1, ownership: { state: 'held' } } },
  ]);
  const [ended] = lists.next([{ cookie: 9 }]);
  t.match(ended, { kind: 'ended', socket: { side: 'server', ownership: { holders: [{ pid: 501 }] } } });
  t.equal(ended!.end!.livedMs, 3000);
  const [old] = lists.next([]);
  t.equal(old!.end!.livedMs, undefined, 'its beginning was not seen');
});

t.test('a socket becomes a connection', async (t) => {
  const lists = new Lists([{ cookie: 1, state: INIT }]);
  t.match(brief(lists.next([{ cookie: 1 }])), [['appeared', 'list', 1010, 1]]);
  t.equal(lists.next([])[0]!.end!.livedMs, 1000);
  const other = new Lists([{ cookie: 1, state: INIT }]);
  t.match(brief(other.next([{ cookie: 1, mode: TCP, reason: NOSMCDEV }])), [['fallback', 'list', 1010, 1]]);
});

t.test('what is accepted has an owner from then on, without an event', async (t) => {
  const lists = new Lists();
  t.match(lists.next([{ cookie: 1, inode: 0 }], owners), [
    { socket: { ownership: { state: 'not accepted' } } },
  ]);
  t.strictSame(brief(lists.next([{ cookie: 1, inode: 7 }], owners)), []);
  t.match(brief(lists.next([])), [['ended', 'list', 3010, 1, 507]]);
});

t.test('a port that the kernel does not tell any more', async (t) => {
  const lists = new Lists();
  lists.next([{ cookie: 1 }]);
  const end = lists.next([{ cookie: 1, state: 7, port: 0 }]);
  t.match(end, [{ kind: 'changed', socket: { local: { port: 1001 } } }]);
  t.match(lists.next([]), [{ kind: 'ended', socket: { local: { port: 1001 } } }]);
});

t.test('a fallback of list and trace is one', async (t) => {
  const lists = new Lists();
  lists.events.add(traced(500, NOSMCDEV, 502));
  lists.events.add(traced(600, PEERNOSMC));
  lists.events.add(traced(700, NOSMCDEV, 501));
  const events = lists.next(
    [
      { cookie: 2, mode: TCP, reason: NOSMCDEV },
      { cookie: 1, mode: TCP, reason: NOSMCDEV },
      { cookie: 3, mode: TCP, reason: PEERNOSMC },
    ],
    owners,
  );
  t.strictSame(brief(events), [
    ['fallback', 'trace', 500, 2, 502],
    ['fallback', 'trace', 600, 3, 503],
    ['fallback', 'trace', 700, 1, 501],
  ]);
  t.strictSame(brief(lists.events.rest()), []);
  t.equal(lists.next([])[0]!.end!.livedMs, 2010 - 500, 'it lived since then');
});

t.test('fallbacks that are not those of the trace', async (t) => {
  const lists = new Lists();
  lists.events.add(traced(500, NOSMCDEV, 77));
  lists.events.add(traced(600, NOSMCDEV, undefined, 2n));
  const events = lists.next([{ cookie: 1, mode: TCP, reason: NOSMCDEV }], owners);
  t.strictSame(brief(events), [
    ['fallback', 'trace', 500, 0, 77],
    ['fallback', 'trace', 600, 0],
    ['fallback', 'list', 1010, 1, 501],
  ]);
  t.match(events[0], { isListed: false, netnsCookie: 1n, socket: { side: 'client', state: 1, mode: TCP } });
  t.match(events[1], { isListed: false, netnsCookie: 2n });
  t.equal(events[0]!.socket.ownership!.holders[0]!.fd, UNKNOWN_FD);
});

t.test('without owners, the process of the trace is one', async (t) => {
  const lists = new Lists();
  lists.events.add(traced(500, NOSMCDEV, 77));
  t.strictSame(brief(lists.next([{ cookie: 1, mode: TCP, reason: NOSMCDEV }])), [
    ['fallback', 'trace', 500, 1, 77],
  ]);
  t.match(brief(lists.next([])), [['ended', 'list', 2010, 1, 77]]);
});

t.test('what nobody has accepted has no process', async (t) => {
  const lists = new Lists();
  lists.events.add(traced(500, NOSMCDEV, 77));
  t.strictSame(brief(lists.next([{ cookie: 1, inode: 0, mode: TCP, reason: NOSMCDEV }])), [
    ['fallback', 'trace', 500, 0, 77],
    ['fallback', 'list', 1010, 1],
  ]);
});

t.test('a fallback just before a list waits for the next one', async (t) => {
  const lists = new Lists();
  lists.events.add(traced(950, NOSMCDEV, 77));
  t.strictSame(brief(lists.next([{ cookie: 1, state: INIT, mode: TCP, reason: NOSMCDEV }])), [
    ['appeared', 'list', 1010, 1],
  ]);
  t.strictSame(brief(lists.next([{ cookie: 1, mode: TCP, reason: NOSMCDEV }])), [
    ['fallback', 'trace', 950, 1, 77],
  ]);
  lists.events.add(traced(2950, NOSMCDEV, 78));
  t.strictSame(brief(lists.events.rest()), [['fallback', 'trace', 2950, 0, 78]], 'but not at the end');
});

t.test('a flood of fallbacks does not wait', async (t) => {
  const lists = new Lists();
  for (let i = 0; i < 10_005; i++) lists.events.add(traced(999, NOSMCDEV, 77));
  t.equal(lists.next([]).length, 5);
  t.equal(lists.events.rest().length, 10_000);
});
