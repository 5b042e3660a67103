// SPDX-License-Identifier: MIT
import { createSocket } from 'node:dgram';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { MalformedError } from '../../src/netlink/codec.ts';
import { Connection, type ConnectionOptions } from '../../src/netlink/connection.ts';
import { NetlinkError } from '../../src/netlink/error.ts';
import type { Message } from '../../src/netlink/message.ts';
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from '../../src/netlink/uapi/netlink.ts';
import {
  DATA_TYPE,
  done,
  error,
  exchange,
  order,
  PORT,
  reply,
  row,
  rowOf,
  ScriptedSocket,
} from './scripted-socket.ts';

const EPERM = 1;
const ENOENT = 2;
const EBUSY = 16;

/** A connection over a scripted socket; checks at the end that nothing escaped from a callback. */
async function connect(
  t: Test,
  options: ConnectionOptions = {},
): Promise<{ socket: ScriptedSocket; connection: Connection }> {
  const socket = new ScriptedSocket();
  const connection = await Connection.open(16, { transport: socket, ...options });
  t.teardown(async () => {
    connection.close();
    await turn();
    if (socket.escaped.length > 0) throw new Error('left a socket callback', { cause: socket.escaped[0] });
  });
  return { socket, connection };
}

/** Rows of an iteration, and the error that ended it. */
async function collect<T>(rows: AsyncIterable<T>): Promise<{ rows: T[]; error?: NetlinkError }> {
  const got: T[] = [];
  try {
    for await (const one of rows) got.push(one);
  } catch (failure) {
    return { rows: got, error: failure as NetlinkError };
  }
  return { rows: got };
}

const values = (rows: { value: number }[]): number[] => rows.map(({ value }) => value);

t.test('a request asks for an acknowledgement and is over with it', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver([rowOf(request, 7, { flags: 0 }), error(request, 0)]);
  t.strictSame(await connection.request(exchange()), [{ value: 7 }]);
  const [request] = socket.sent;
  t.equal(request?.type, DATA_TYPE);
  t.equal(request?.flags, NLM_F_REQUEST | NLM_F_ACK);
  t.equal(request?.portId, 0);
});

t.test('a refused request rejects with errno, family and command', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(error(request, EPERM));
  const failure = await connection.request(exchange('ADD')).catch((reason: unknown) => reason);
  t.match(failure, { op: 'request', code: 'EPERM', errno: 1, family: 'TEST', command: 'ADD' });
  t.ok(failure instanceof NetlinkError);
  t.equal(String(failure), 'NetlinkError: request TEST ADD: EPERM');
  t.equal(socket.closed, 0, 'an errno is no reason to give the socket up');
});

t.test('an exchange can name its operation', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(error(request, ENOENT));
  await t.rejects(connection.request({ ...exchange(), op: 'resolve family' }), {
    op: 'resolve family',
    code: 'ENOENT',
  });
});

t.test('a dump is not sent before its first row is asked for', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(done(request));
  const dump = connection.dump(exchange());
  await turn();
  t.equal(socket.sent.length, 0);
  t.strictSame(await dump.next(), { done: true, value: undefined });
  t.equal(socket.sent[0]?.flags, NLM_F_REQUEST | NLM_F_DUMP);
  t.strictSame(await dump.next(), { done: true, value: undefined }, 'and stays over');
});

t.test('replies may be spread over datagrams in any way', async (t) => {
  const { socket, connection } = await connect(t);
  for (const split of [1, 2, 3, 5, 100]) {
    socket.onRequest = async (request) => {
      const parts = [1, 2, 3, 4, 5, 6].map((value) => rowOf(request, value));
      parts.push(done(request));
      while (parts.length > 0) {
        socket.deliver(parts.splice(0, split));
        await turn();
      }
    };
    const { rows, error: failure } = await collect(connection.dump(exchange()));
    t.equal(failure, undefined);
    t.strictSame(values(rows), [1, 2, 3, 4, 5, 6], `${split} messages a datagram`);
  }
});

t.test('rows are given out before the dump is complete', async (t) => {
  const { socket, connection } = await connect(t);
  const dump = connection.dump(exchange());
  socket.onRequest = (request) => socket.deliver(rowOf(request, 1));
  t.strictSame(await dump.next(), { done: false, value: { value: 1 } });
  const second = dump.next();
  socket.deliver([rowOf(socket.sent[0]!, 2), done(socket.sent[0]!)]);
  t.strictSame(await second, { done: false, value: { value: 2 } });
});

t.test('an ERROR amid a dump: the rows before it, then its errno', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => {
    socket.deliver([rowOf(request, 1), rowOf(request, 2)]);
    socket.deliver([rowOf(request, 3), error(request, EBUSY)]);
  };
  const { rows, error: failure } = await collect(connection.dump(exchange()));
  t.strictSame(values(rows), [1, 2, 3]);
  t.match(failure, { op: 'dump', code: 'EBUSY', errno: EBUSY, family: 'TEST', command: 'GET' });
});

t.test('DONE carries the errno of a dump that failed half way', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver([rowOf(request, 1), done(request, 90)]);
  const { rows, error: failure } = await collect(connection.dump(exchange()));
  t.strictSame(values(rows), [1]);
  t.match(failure, { op: 'dump', code: 'EMSGSIZE', errno: 90 });
});

t.test('what is no end of an answer is no success', async (t) => {
  type Answer = (request: Message) => Buffer[];
  const cases: ['request' | 'dumpAll', string, Answer, string][] = [
    ['request', 'a positive errno', (request) => [error(request, -1)], 'ERROR with 1, which is not an errno'],
    ['dumpAll', 'the same', (request) => [error(request, -2)], 'ERROR with 2, which is not an errno'],
    ['dumpAll', 'in DONE', (request) => [done(request, -5)], 'DONE with 5, which is not an errno'],
    [
      'dumpAll',
      'DONE without an errno',
      (request) => [reply(request, Buffer.alloc(0), { type: NLMSG_DONE })],
      'DONE with 0 bytes, 4 are needed',
    ],
    [
      'dumpAll',
      'ERROR with 0 in place of DONE',
      (request) => [rowOf(request, 1), error(request, 0)],
      'an acknowledgement in place of DONE',
    ],
    [
      'request',
      'DONE in place of an acknowledgement',
      (request) => [done(request)],
      'DONE, which ends a dump, in place of an acknowledgement',
    ],
    [
      'request',
      'a refusal behind the acknowledgement',
      (request) => [error(request, 0), error(request, EPERM)],
      'a message after the end of the answer',
    ],
    [
      'dumpAll',
      'a row behind DONE',
      (request) => [rowOf(request, 1), done(request), rowOf(request, 2)],
      'a message after the end of the answer',
    ],
    [
      'dumpAll',
      'half a message behind DONE',
      (request) => [done(request), Buffer.alloc(8)],
      '8 bytes left over after the last message',
    ],
    [
      'dumpAll',
      'a row of another type',
      (request) => [rowOf(request, 1, { type: DATA_TYPE + 1 }), done(request)],
      `a message of type ${DATA_TYPE + 1}, not of type ${DATA_TYPE}`,
    ],
    [
      'dumpAll',
      'a reserved type',
      (request) => [rowOf(request, 1, { type: 5 }), done(request)],
      `a message of type 5, not of type ${DATA_TYPE}`,
    ],
  ];
  for (const [call, what, answer, detail] of cases) {
    const { socket, connection } = await connect(t);
    socket.onRequest = (request) => socket.deliver(answer(request));
    await t.rejects(connection[call](exchange()), { op: 'decode', code: 'ERR_MALFORMED', detail }, what);
    await turn();
    t.equal(socket.closed, 1, 'the connection is given up');
  }
});

t.test('a failure is one whatever follows it', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver([error(request, EPERM), error(request, 0), Buffer.alloc(7)]);
  await t.rejects(connection.request(exchange()), { code: 'EPERM' });
  socket.onRequest = (request) => socket.deliver([error(request, EPERM), Buffer.alloc(7)]);
  await t.rejects(connection.request(exchange()), { code: 'EPERM' });
  socket.onRequest = (request) => socket.deliver([done(request, EBUSY), done(request, 0)]);
  await t.rejects(connection.dumpAll(exchange()), { code: 'EBUSY' });
});

t.test('an exchange can name the type of its replies', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver([rowOf(request, 1, { type: 33 }), done(request)]);
  t.strictSame(values(await connection.dumpAll({ ...exchange(), replyType: 33 })), [1]);
});

t.test('ETIMEDOUT of the kernel is its answer, not silence', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(error(request, 110));
  await t.rejects(connection.request(exchange()), { op: 'request', code: 'ETIMEDOUT', errno: 110 });
  t.equal(socket.closed, 0);
});

t.test('an errno without a name is spelled', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(error(request, 524));
  await t.rejects(connection.request(exchange()), { code: 'E524', errno: 524 });
});

t.test('the ambiguous errno numbers have the names of kernel sources', async (t) => {
  const { socket, connection } = await connect(t);
  for (const [errno, code] of [
    [11, 'EAGAIN'],
    [95, 'EOPNOTSUPP'],
  ] as const) {
    socket.onRequest = (request) => socket.deliver(error(request, errno));
    await t.rejects(connection.request(exchange()), { code, errno });
  }
});

t.test('dump().interrupted tells of NLM_F_DUMP_INTR on a row or on DONE', async (t) => {
  const { socket, connection } = await connect(t);
  const INTR = { flags: NLM_F_MULTI | NLM_F_DUMP_INTR };
  const script: [string, (request: Message) => Buffer[], boolean][] = [
    ['row', (request) => [rowOf(request, 1, INTR), done(request)], true],
    ['DONE', (request) => [rowOf(request, 1), done(request, 0, INTR)], true],
    ['none', (request) => [rowOf(request, 1), done(request)], false],
  ];
  for (const [where, answer, interrupted] of script) {
    socket.onRequest = (request) => socket.deliver(answer(request));
    const dump = connection.dump(exchange());
    t.equal(dump.interrupted, false);
    t.strictSame(values((await collect(dump)).rows), [1], 'the rows are given out');
    t.equal(dump.interrupted, interrupted, where);
  }
});

t.test('dumpAll repeats an interrupted dump and gives the rows of the good one', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => {
    const last = socket.sent.length === 3;
    const flags = last ? NLM_F_MULTI : NLM_F_MULTI | NLM_F_DUMP_INTR;
    socket.deliver([rowOf(request, socket.sent.length), done(request, 0, { flags })]);
  };
  t.strictSame(values(await connection.dumpAll(exchange())), [3]);
  t.equal(socket.sent.length, 3);
});

t.test('dumpAll gives up after three repetitions', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(done(request, 0, { flags: NLM_F_MULTI | NLM_F_DUMP_INTR }));
  await t.rejects(connection.dumpAll(exchange()), {
    name: 'NetlinkError',
    op: 'dump',
    code: 'ERR_INTERRUPTED',
    family: 'TEST',
    command: 'GET',
  });
  t.equal(socket.sent.length, 4);
});

t.test('what is not of the kernel is ignored', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => {
    socket.deliver([rowOf(request, 1), error(request, EPERM)], 99); // another process
    socket.emit('truncatedMessage', Buffer.alloc(16), { port: 99, truncated: 70_000 });
    socket.deliver([rowOf(request, 4), rowOf(request, 5), done(request)]);
  };
  t.strictSame(values(await connection.dumpAll(exchange())), [4, 5]);
});

t.test('the kernel answers nobody else here: a foreign message is a lost one', async (t) => {
  for (const [overrides, detail] of [
    [{ sequence: 1 }, /^an answer to request 1, not to \d+$/],
    [{ sequence: 0 }, /^an answer to request 0, /],
    [{ portId: PORT + 1 }, `a message for port ${PORT + 1}, not for ${PORT}`],
    [{ portId: 0 }, `a message for port 0, not for ${PORT}`],
  ] as const)
    for (const answer of [
      (request: Message) => [rowOf(request, 1), rowOf(request, 2, overrides), done(request)],
      (request: Message) => [rowOf(request, 1), done(request, 0, overrides)],
      (request: Message) => [rowOf(request, 1), done(request, EPERM, overrides), done(request)],
    ])
      for (const isSplit of [false, true]) {
        const { socket, connection } = await connect(t);
        socket.onRequest = (request) => {
          if (isSplit) for (const part of answer(request)) socket.deliver(part);
          else socket.deliver(answer(request));
        };
        const { rows, error: failure } = await collect(connection.dump(exchange()));
        t.strictSame(values(rows), [1]);
        t.match(failure, { code: 'ERR_MALFORMED', detail });
      }
});

t.test('datagrams that nobody waits for are ignored', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => {
    socket.deliver(done(request));
    socket.deliver(error(request, EPERM));
    socket.deliver(Buffer.from('junk'));
    socket.emit('truncatedMessage', Buffer.alloc(32_768), { port: 0, truncated: 40_000 });
  };
  t.strictSame(await connection.dumpAll(exchange()), []);
  t.strictSame(await connection.dumpAll(exchange()), []);
});

t.test('NOOP is skipped', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) =>
    socket.deliver([reply(request, Buffer.alloc(0), { type: NLMSG_NOOP }), rowOf(request, 1), done(request)]);
  t.strictSame(values(await connection.dumpAll(exchange())), [1]);
});

t.test('OVERRUN ends the exchange and the socket', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) =>
    socket.deliver([rowOf(request, 1), reply(request, Buffer.alloc(0), { type: NLMSG_OVERRUN })]);
  const { rows, error: failure } = await collect(connection.dump(exchange()));
  t.strictSame(values(rows), [1]);
  t.match(failure, { op: 'receive', code: 'ERR_OVERRUN', family: 'TEST', command: 'GET' });
  await turn();
  t.equal(socket.closed, 1);
});

t.test('a truncated datagram rejects with its real size', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => {
    socket.deliver(rowOf(request, 1));
    socket.emit('truncatedMessage', Buffer.alloc(32_768), { port: 0, truncated: 40_000 });
  };
  const { rows, error: failure } = await collect(connection.dump(exchange()));
  t.strictSame(values(rows), [1]);
  t.match(failure, { op: 'receive', code: 'ERR_TRUNCATED', family: 'TEST' });
  t.match(failure?.detail, '40000');
});

t.test('silence is ERR_TIMEOUT, and the connection is dead afterwards', async (t) => {
  const { socket, connection } = await connect(t, { timeoutMs: 30 });
  const begin = performance.now();
  await t.rejects(connection.request(exchange()), {
    op: 'receive',
    code: 'ERR_TIMEOUT',
    detail: 'no answer within 30 ms',
    family: 'TEST',
    command: 'GET',
  });
  t.ok(performance.now() - begin >= 25);
  await turn();
  t.equal(socket.closed, 1);
  await t.rejects(connection.request(exchange()), { code: 'ERR_TIMEOUT', detail: 'no answer within 30 ms' });
  t.equal(socket.sent.length, 1);
});

t.test('what others send does not stop the deadline', async (t) => {
  const { socket, connection } = await connect(t, { timeoutMs: 40 });
  const chatter = setInterval(() => socket.deliver(Buffer.alloc(16), 99), 5);
  t.teardown(() => clearInterval(chatter));
  await t.rejects(connection.request(exchange()), { code: 'ERR_TIMEOUT' });
});

t.test('each datagram renews the deadline', async (t) => {
  const { socket, connection } = await connect(t, { timeoutMs: 150 });
  socket.onRequest = async (request) => {
    for (let value = 1; value <= 6; value++) {
      await sleep(50);
      socket.deliver(rowOf(request, value));
    }
    socket.deliver(done(request));
  };
  const { rows, error: failure } = await collect(connection.dump(exchange()));
  t.equal(failure, undefined);
  t.equal(rows.length, 6);
});

t.test('the deadline starts anew with each request', async (t) => {
  const { socket, connection } = await connect(t, { timeoutMs: 150 });
  socket.onRequest = async (request) => {
    await sleep(60);
    socket.deliver(error(request, 0));
  };
  for (let i = 0; i < 4; i++) await connection.request(exchange());
  t.equal(socket.sent.length, 4);
});

/** Nothing of this process runs for so long. */
const stopAll = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

t.test('a process that has no turn for longer than the deadline still gets its answer', async (t) => {
  const { socket, connection } = await connect(t, { timeoutMs: 40 });
  socket.onRequest = async (request) => {
    stopAll(200);
    // the kernel answers when the request reaches it, which may be some turns after all timers were found to be due
    for (let turns = 0; turns < 3; turns++) await turn();
    socket.deliver(error(request, 0));
  };
  t.strictSame(await connection.request(exchange()), []);
});

t.test('data that waits in the socket while the consumer blocks is no timeout', async (t) => {
  // through a real descriptor, since the order of timers and the poll phase is what matters
  const { socket, connection } = await connect(t, { timeoutMs: 40 });
  const wire = createSocket('udp4');
  await new Promise<void>((resolve) => wire.bind(0, '127.0.0.1', resolve));
  t.teardown(() => wire.close());
  wire.on('message', (data) => socket.deliver(data));
  const send = (data: Buffer): void => wire.send(data, wire.address().port, '127.0.0.1');
  socket.onRequest = (request) => send(rowOf(request, 1));
  const dump = connection.dump(exchange());
  t.strictSame((await dump.next()).value, { value: 1 });
  await turn(); // out of the poll phase, which would read on
  send(Buffer.concat([rowOf(socket.sent[0]!, 2), done(socket.sent[0]!)]));
  await new Promise((resolve) => process.nextTick(resolve)); // it is out
  stopAll(120);
  t.strictSame((await dump.next()).value, { value: 2 });
  t.equal((await dump.next()).done, true);
});

t.test('close while a request is pending: ERR_CLOSED', async (t) => {
  const { socket, connection } = await connect(t);
  const pending = connection.request(exchange());
  const waiting = connection.request(exchange('NEXT'));
  await turn();
  connection.close();
  t.equal(socket.closed, 0, 'not inside a callback of the addon');
  await t.rejects(pending, { op: 'receive', code: 'ERR_CLOSED', family: 'TEST', command: 'GET' });
  await t.rejects(waiting, { op: 'request', code: 'ERR_CLOSED', command: 'NEXT' });
  connection.close();
  await turn();
  connection.close();
  await turn();
  t.equal(socket.closed, 1, 'once, however often close is called');
  await t.rejects(connection.request(exchange()), { op: 'request', code: 'ERR_CLOSED' });
  await t.rejects(connection.dump(exchange()).next(), { op: 'dump', code: 'ERR_CLOSED' });
  t.equal(socket.sent.length, 1);
});

t.test('close while a dump is pending: the rows, then ERR_CLOSED', async (t) => {
  const { socket, connection } = await connect(t);
  const dump = connection.dump(exchange());
  socket.onRequest = (request) => socket.deliver([rowOf(request, 1), rowOf(request, 2)]);
  await dump.next();
  connection.close();
  t.strictSame((await dump.next()).value, { value: 2 });
  await t.rejects(dump.next(), { code: 'ERR_CLOSED' });
  socket.deliver(done(socket.sent[0]!)); // late data of a closed socket
});

t.test('a close that fails in the addon harms nobody', async (t) => {
  const { connection, socket } = await connect(t);
  Object.defineProperty(socket, 'closed', {
    set: () => {
      throw new Error('already closed');
    },
  });
  connection.close();
  await turn();
  await turn();
  t.pass('still here');
});

t.test('send failure', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onSend = (callback) =>
    callback(Object.assign(new Error('refused'), { code: 'ECONNREFUSED', errno: 111 }));
  const failure = await connection.request(exchange()).catch((reason: unknown) => reason);
  t.match(failure, { op: 'send', code: 'ECONNREFUSED', errno: 111, family: 'TEST', command: 'GET' });
  t.equal(((failure as NetlinkError).cause as Error).message, 'refused');

  socket.onSend = undefined;
  socket.onRequest = (request) => socket.deliver(error(request, 0));
  t.strictSame(await connection.request(exchange()), [], 'the next one goes through');
});

t.test('send that throws does not block those who wait', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onSend = () => {
    throw Object.assign(new Error('closed'), { code: 'EBADF', errno: -9 });
  };
  await t.rejects(connection.request(exchange()), { op: 'send', code: 'EBADF', errno: 9 });
  socket.onSend = undefined;
  socket.onRequest = (request) => socket.deliver(error(request, 0));
  t.strictSame(await connection.request(exchange()), []);
});

t.test('the error event, with and without a request', async (t) => {
  const broken = Object.assign(new Error('no buffer'), { code: 'ENOBUFS', errno: -105 });
  const { socket, connection } = await connect(t);
  socket.onRequest = () => socket.emit('error', broken);
  await t.rejects(connection.request(exchange()), {
    op: 'receive',
    code: 'ENOBUFS',
    errno: 105,
    family: 'TEST',
    cause: broken,
  });
  await turn();
  t.equal(socket.closed, 1);

  const idle = await connect(t);
  idle.socket.emit('error', new Error('what?'));
  await t.rejects(idle.connection.request(exchange()), { op: 'request', code: 'ERR_UNKNOWN' });
});

t.test('callers at once are served one after the other', async (t) => {
  const { socket, connection } = await connect(t);
  let inFlight = 0;
  let most = 0;
  socket.onRequest = async (request) => {
    most = Math.max(most, ++inFlight);
    await turn();
    const isDump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP;
    const order = socket.sent.indexOf(request);
    socket.deliver(rowOf(request, order));
    await turn();
    inFlight--;
    socket.deliver(isDump ? done(request) : error(request, order === 2 ? EPERM : 0));
  };
  const outcomes = await Promise.allSettled([
    connection.request(exchange('A')),
    connection.dumpAll(exchange('B')),
    connection.request(exchange('C')),
    collect(connection.dump(exchange('D'))).then(({ rows }) => rows),
    connection.request(exchange('E')),
  ]);
  t.equal(most, 1);
  t.strictSame(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? values(outcome.value) : outcome.reason.code)),
    [[0], [1], 'EPERM', [3], [4]],
  );
  t.equal(new Set(socket.sent.map(({ sequence }) => sequence)).size, 5, 'a sequence number each');
  t.notOk(socket.sent.some(({ sequence }) => sequence === 0));
});

t.test('a consumer that leaves early lets the dump run out, then others have their turn', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = async (request) => {
    if ((request.flags & NLM_F_DUMP) !== NLM_F_DUMP) return socket.deliver(error(request, 0));
    for (let value = 1; value <= 3; value++) {
      socket.deliver([rowOf(request, value), rowOf(request, value)]);
      await turn();
    }
    socket.deliver(done(request));
  };
  const dump = connection.dump(exchange());
  for await (const { value } of dump) {
    t.equal(value, 1);
    break;
  }
  t.strictSame(await dump.next(), { done: true, value: undefined });
  let dumpEnded = false;
  const deliver = socket.deliver.bind(socket);
  socket.deliver = (data, from) => {
    if (Buffer.isBuffer(data)) dumpEnded = true;
    deliver(data, from);
  };
  t.strictSame(await connection.request(exchange('NEXT')), []);
  t.ok(dumpEnded, 'the kernel runs one dump per socket');
});

t.test('a consumer that throws gets its own error, and the connection lives', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver([rowOf(request, 1), rowOf(request, 2), done(request)]);
  const own = new Error('mine');
  await t.rejects(async () => {
    for await (const _ of connection.dump(exchange())) throw own;
  }, own);
  t.strictSame(values(await connection.dumpAll(exchange())), [1, 2]);
});

t.test('a dump that fails after its consumer has left does not become an unhandled rejection', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(rowOf(request, 1));
  for await (const _ of connection.dump(exchange())) break;
  socket.deliver(error(socket.sent[0]!, EPERM));
  await turn();
  socket.onRequest = (request) => socket.deliver(done(request));
  t.strictSame(await connection.dumpAll(exchange()), []);
});

t.test('next() called twice at once', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = async (request) => {
    await turn();
    socket.deliver([rowOf(request, 1), rowOf(request, 2), done(request)]);
  };
  const dump = connection.dump(exchange());
  const both = await Promise.all([dump.next(), dump.next(), dump.next()]);
  t.strictSame(both, [
    { done: false, value: { value: 1 } },
    { done: false, value: { value: 2 } },
    { done: true, value: undefined },
  ]);
  t.equal(socket.sent.length, 1);
});

t.test('a row that cannot be decoded fails the dump; the rows before it were delivered', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) =>
    socket.deliver([
      rowOf(request, 1),
      rowOf(request, 2),
      reply(request, Buffer.from(order === 'LE' ? '0600010001000000' : '0006000100010000', 'hex')),
      rowOf(request, 4),
      done(request),
    ]);
  const { rows, error: failure } = await collect(connection.dump(exchange()));
  t.strictSame(values(rows), [1, 2]);
  t.match(failure, {
    name: 'NetlinkError',
    op: 'decode',
    code: 'ERR_MALFORMED',
    family: 'TEST',
    command: 'GET',
  });
  t.equal(failure?.detail, 'ROW.value (attribute 1): 2 bytes, u32 needs 4');
  t.ok(failure?.cause instanceof MalformedError);
});

t.test('a missing required attribute is named', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(reply(request, Buffer.alloc(0)));
  await t.rejects(connection.dumpAll(exchange()), {
    code: 'ERR_MALFORMED',
    detail: 'ROW.value (attribute 1) is missing',
  });
});

t.test('a datagram that is no netlink fails the exchange', async (t) => {
  for (const junk of [Buffer.alloc(7), Buffer.alloc(16), Buffer.alloc(40, 0xff)]) {
    const { socket, connection } = await connect(t);
    socket.onRequest = () => socket.deliver(junk);
    await t.rejects(connection.dumpAll(exchange()), { op: 'decode', code: 'ERR_MALFORMED' });
    await t.rejects(
      connection.dumpAll(exchange()),
      { op: 'dump', code: 'ERR_MALFORMED' },
      'and the connection',
    );
  }
});

t.test('an ERROR too short for an errno is malformed', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(reply(request, Buffer.alloc(2), { type: 2 }));
  await t.rejects(connection.request(exchange()), { op: 'decode', code: 'ERR_MALFORMED' });
});

t.test('a bug in a decoder or a tracer does not leave the callback', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver([rowOf(request, 1), done(request)]);
  const buggy = {
    ...exchange(),
    decode(): never {
      throw new TypeError('oops');
    },
  };
  await t.rejects(connection.dumpAll(buggy), {
    name: 'NetlinkError',
    op: 'decode',
    code: 'ERR_MALFORMED',
    detail: 'TypeError: oops',
    family: 'TEST',
  });

  const traced = await connect(t, {
    trace: (direction) => {
      if (direction === 'receive') throw new Error('stderr is gone');
    },
  });
  traced.socket.onRequest = (request) => traced.socket.deliver(done(request));
  await t.rejects(traced.connection.dumpAll(exchange()), { name: 'NetlinkError' });

  const mute = await connect(t, {
    trace: () => {
      throw new Error('stderr is gone');
    },
  });
  await t.rejects(mute.connection.dumpAll(exchange()), { name: 'NetlinkError', op: 'send' });
  await t.rejects(
    mute.connection.dumpAll(exchange()),
    { code: 'ERR_UNKNOWN', op: 'send' },
    'and nobody waits for ever',
  );
});

t.test('the tracer sees each of our messages once, and no others', async (t) => {
  const seen: string[] = [];
  const { socket, connection } = await connect(t, {
    trace: (direction, message, { command }) => seen.push(`${direction} ${message.type} ${command}`),
  });
  socket.onRequest = (request) => {
    socket.deliver(rowOf(request, 1), 99);
    socket.deliver([rowOf(request, 1), done(request)]);
  };
  await connection.dumpAll(exchange());
  t.strictSame(seen, ['send 20 GET', 'receive 20 GET', 'receive 3 GET']);
});

t.test('rows keep no receive buffer', async (t) => {
  const { socket, connection } = await connect(t);
  const buffers: Buffer[] = [];
  socket.onRequest = (request) => {
    const datagram = Buffer.concat([rowOf(request, 41), done(request)]);
    buffers.push(datagram);
    socket.deliver(datagram);
    datagram.fill(0xff); // the addon may reuse it
  };
  t.strictSame(await connection.dumpAll(exchange()), [{ value: 41 }]);
  t.equal(buffers.length, 1);
});

t.test('the end does not hold the process: no timer is left', async (t) => {
  const { socket, connection } = await connect(t);
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const pending = connection.request(exchange());
  await turn();
  t.equal(timers(), before + 1);
  socket.deliver(error(socket.sent[0]!, 0));
  await pending;
  t.equal(timers(), before);
  const second = connection.request(exchange());
  await turn();
  connection.close();
  await t.rejects(second, { code: 'ERR_CLOSED' });
  t.equal(timers(), before);
});

t.test('an empty table with attributes declared is an empty list', async (t) => {
  const { socket, connection } = await connect(t);
  socket.onRequest = (request) => socket.deliver(done(request));
  t.strictSame(await connection.dumpAll(exchange()), []);
  t.strictSame(row.encode({ value: 1 }, 'LE').toString('hex'), '0800010001000000');
});
