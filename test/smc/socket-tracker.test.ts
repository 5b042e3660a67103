// SPDX-License-Identifier: MIT
import t from 'tap';
import { connectionInfo } from '../../src/netlink/uapi/smc-diag.ts';
import type { SeenSocket } from '../../src/smc/seen-socket.ts';
import { type ListChanges, SocketTracker } from '../../src/smc/socket-tracker.ts';

const SIZE = 0x1_0000;

interface Made {
  cookie: number;
  high?: number;
  state?: number;
  mode?: number;
  inode?: number;
  reason?: number;
  /** bytes sent */
  tx?: number;
  netns?: number;
}

/** A socket in a list; an SMC connection if it has sent bytes, or none. */
function socket({
  cookie,
  high = 0,
  state = 1,
  mode = 0,
  inode = 5,
  reason = 0,
  tx,
  netns,
}: Made): SeenSocket {
  const connection = tx !== undefined && {
    ...connectionInfo.decode(Buffer.alloc(76), 0, 76, 'LE'),
    rmbeSize: SIZE,
    peerRmbeSize: SIZE,
    txProd: { reserved: 0, wrap: Math.floor(tx / SIZE), count: tx % SIZE },
  };
  return {
    id: { interface: 0, cookieLow: cookie, cookieHigh: high },
    state,
    mode,
    inode: BigInt(inode),
    attributes: { fallback: { reason, peerDiagnosis: 0 }, ...(connection && { connection }) },
    ...(netns && { netns: { inode: netns } }),
  } as SeenSocket;
}

/** A list that came in so many datagrams. */
function list(
  tracker: SocketTracker,
  at: number,
  batches: readonly (readonly Made[])[],
  interrupted = false,
): ListChanges {
  tracker.begin(at);
  for (const batch of batches) tracker.add(batch.map(socket), at);
  return tracker.end({ interrupted });
}

const cookies = (tracked: Iterable<{ socket: SeenSocket }>): number[] =>
  [...tracked].map(({ socket }) => socket.id.cookieLow);

/** The changes, by cookie. */
const short = ({ appeared, changed, ended }: ListChanges) => ({
  appeared: cookies(appeared),
  changed: changed.map(({ tracked, what }) => [tracked.socket.id.cookieLow, ...what]),
  ended: cookies(ended),
});

t.test('sockets appear, change and end', async (t) => {
  const tracker = new SocketTracker();
  t.strictSame(
    short(list(tracker, 0, [[{ cookie: 1 }, { cookie: 2, state: 2 }]])),
    { appeared: [], changed: [], ended: [] },
    'the first list changes nothing',
  );
  const changes = list(tracker, 1000, [
    [{ cookie: 3 }, { cookie: 1, inode: 0, state: 20 }, { cookie: 2, mode: 1, reason: 0x03030000 }],
  ]);
  t.strictSame(short(changes), {
    appeared: [3],
    changed: [
      [1, 'state', 'inode'],
      [2, 'state', 'mode', 'fallback'],
    ],
    ended: [],
  });
  t.equal(changes.changed[0]!.before.state, 1);
  t.equal(changes.changed[0]!.tracked.socket.state, 20);
  const [young] = changes.appeared;
  t.match(young, { firstSeenAt: 1000, lastSeenAt: 1000, fromStart: true });
  const last = list(tracker, 3000, [[{ cookie: 3 }]]);
  t.strictSame(short(last), { appeared: [], changed: [], ended: [1, 2] });
  t.match(last.ended[0], { firstSeenAt: 0, lastSeenAt: 1000, fromStart: false });
  t.equal([...tracker.sockets()][0], young, 'the same object');
  t.match(young, { firstSeenAt: 1000, lastSeenAt: 3000 });
  t.equal(tracker.size, 1);
});

t.test('a mode that only looks different', async (t) => {
  const tracker = new SocketTracker();
  list(tracker, 0, [[{ cookie: 1, state: 2 }]]);
  t.strictSame(short(list(tracker, 1, [[{ cookie: 1, state: 1 }]])).changed, [[1, 'state', 'mode']]);
});

t.test('a list that was interrupted lacks sockets that are still there', async (t) => {
  const tracker = new SocketTracker();
  list(tracker, 0, [[{ cookie: 1 }, { cookie: 2 }]]);
  t.strictSame(short(list(tracker, 1, [[{ cookie: 1 }]], true)), { appeared: [], changed: [], ended: [] });
  t.strictSame(cookies(tracker.sockets()), [1, 2]);
  const { appeared, ended } = list(tracker, 2, [[{ cookie: 2 }, { cookie: 9 }]]);
  t.strictSame([cookies(appeared), cookies(ended)], [[9], [1]]);
  t.notOk(appeared[0]!.fromStart, 'the list before may have lacked it');
});

t.test('so may one of several datagrams: the next list decides', async (t) => {
  const tracker = new SocketTracker();
  list(tracker, 0, [[{ cookie: 1 }, { cookie: 2 }], [{ cookie: 3 }]]);
  t.strictSame(cookies(list(tracker, 1, [[{ cookie: 1 }], [{ cookie: 3 }]]).ended), []);
  t.strictSame(short(list(tracker, 2, [[{ cookie: 2 }], [{ cookie: 3 }]])), {
    appeared: [],
    changed: [],
    ended: [],
  });
  t.strictSame(cookies(list(tracker, 3, [[{ cookie: 2 }], [{ cookie: 3 }]]).ended), [1]);
  t.strictSame(cookies(tracker.sockets()), [2, 3]);
  t.strictSame(cookies(list(tracker, 4, []).ended), [2, 3], 'none at all is one answer');
});

t.test('a list that has a socket twice', async (t) => {
  const tracker = new SocketTracker();
  list(tracker, 0, [[{ cookie: 1, tx: 0 }], [{ cookie: 1, tx: 0 }]]);
  const changes = list(tracker, 1000, [
    [{ cookie: 1, tx: 700 }],
    [{ cookie: 2 }],
    [{ cookie: 1, tx: 900, state: 22 }],
    [{ cookie: 2 }],
  ]);
  t.strictSame(short(changes), { appeared: [2], changed: [[1, 'state']], ended: [] });
  t.match([...tracker.sockets()][0], { txBytes: 700, socket: { state: 22, traffic: { tx: 700 } } });
  t.strictSame(
    short(list(tracker, 2000, [[{ cookie: 1, state: 1 }, { cookie: 2 }], [{ cookie: 1, state: 22 }]]))
      .changed,
    [],
    'changed and changed back',
  );
});

t.test('each network namespace counts cookies itself, and sends one datagram at least', async (t) => {
  const tracker = new SocketTracker();
  const here = { cookie: 1, netns: 100 };
  const there = { cookie: 1, netns: 200 };
  list(tracker, 0, [[here], [there]]);
  t.equal(tracker.size, 2);
  t.strictSame(short(list(tracker, 1, [[here]])), { appeared: [], changed: [], ended: [1] });
  t.equal([...tracker.sockets()][0]!.socket.netns?.inode, 100);
});

t.test('cookies of 64 bits', async (t) => {
  const tracker = new SocketTracker();
  const made = [0, 1, 0x1f_ffff, 0x20_0000, 0x8000_0000, 0xffff_ffff].map((high) => ({ cookie: 7, high }));
  list(tracker, 0, [made]);
  t.equal(tracker.size, made.length);
  t.strictSame(short(list(tracker, 1, [made])), { appeared: [], changed: [], ended: [] });
});

t.test('traffic, and bytes in all', async (t) => {
  const tracker = new SocketTracker();
  list(tracker, 0, [
    [
      { cookie: 1, tx: 500 },
      { cookie: 2, state: 2 },
    ],
  ]);
  t.ok(tracker.needsProbe, 'nothing is known yet');
  tracker.probe([socket({ cookie: 1, tx: 501 })], 100);
  list(tracker, 1000, [
    [{ cookie: 1, tx: 1500 }, { cookie: 2, tx: 30 }, { cookie: 3, tx: 40 }, { cookie: 4 }],
  ]);
  const [one, two, three, none] = [...tracker.sockets()];
  t.match(one, { txBytes: 1000, rxBytes: 0, socket: { traffic: { tx: 1000, rx: 0 } } });
  t.match(two, { txBytes: 30, socket: { traffic: undefined } }, 'it was no connection before');
  t.match(three, { txBytes: 40 }, 'all of a new connection');
  t.equal(none?.txBytes, undefined);
  t.notOk(tracker.needsProbe);
  list(tracker, 2000, [[{ cookie: 1, tx: 1500 + SIZE * 5000 }, { cookie: 2 }]]);
  t.ok(tracker.needsProbe);
  t.equal(two?.txBytes, 30, 'what it had moved when it was a connection');
  list(tracker, 3000, [[{ cookie: 1, tx: 1500 + SIZE * 30_000 }]]);
  t.match(one, { txBytes: undefined, socket: { traffic: { tx: undefined } } }, 'not known without the probe');
});
