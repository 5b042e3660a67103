// SPDX-License-Identifier: MIT
import t from 'tap';
import { connectionInfo } from '../../src/netlink/uapi/smc-diag.ts';
import { SocketRates, type Traffic } from '../../src/smc/socket-rates.ts';
import type { SmcSocket } from '../../src/smc/sockets.ts';

const SIZE = 0x1_0000;
/** where positions start again */
const END = 0x1_0000 * SIZE;

interface Place {
  /** milliseconds */
  at: number;
  /** bytes received and sent since the connection began */
  rx?: number;
  tx?: number;
  /** bytes of those received that were read */
  read?: number;
  size?: number;
  rxFlags?: number;
  txFlags?: number;
}

/** A socket as it is listed when so many bytes were moved. */
function socket({ rx = 0, tx = 0, read = rx, size = SIZE, rxFlags = 0, txFlags = 0 }: Place): SmcSocket {
  const cursor = (bytes: number): { reserved: number; wrap: number; count: number } => ({
    reserved: 0,
    wrap: Math.floor(bytes / size) % 0x1_0000,
    count: bytes % size,
  });
  const connection = {
    ...connectionInfo.decode(Buffer.alloc(76), 0, 76, 'LE'),
    rmbeSize: size,
    peerRmbeSize: size,
    rxProd: cursor(rx),
    txCons: cursor(read),
    txProd: cursor(tx),
    rxProdFlags: rxFlags,
    txProdFlags: txFlags,
  };
  return { id: { interface: 0, cookieLow: 1, cookieHigh: 2 }, attributes: { connection } } as SmcSocket;
}

function measured(first: Place, second: Place, last: Place): Traffic | undefined {
  const rates = new SocketRates();
  rates.add(socket(first), first.at);
  rates.add(socket(second), second.at);
  return rates.measure(socket(last), last.at);
}

t.test('bytes per second of each direction, over the time that was measured', async (t) => {
  const traffic = measured(
    { at: 1000, rx: 10, tx: 0 },
    { at: 1100, rx: 110, tx: 5000 },
    { at: 3000, rx: 2010, tx: 100_000 },
  );
  t.match(traffic, { seconds: 2, rx: 1000, tx: 50_000, fill: 0, rxBlocked: 0, txBlocked: 0 });
});

t.test('buffers wrap, and so does the count of their wraps', async (t) => {
  for (const start of [SIZE - 1, 77 * SIZE - 1, END - 1, END - 50_000, 5 * END - 3]) {
    const traffic = measured(
      { at: 0, rx: start, tx: start },
      { at: 100, rx: start + 100_000, tx: start },
      { at: 1000, rx: start + 1_000_000, tx: start + 7 },
    );
    t.match(traffic, { rx: 1_000_000, tx: 7 }, `from ${start}`);
  }
});

t.test('a rate that may be wrong is none', async (t) => {
  const rx = (short: number, long: number): number | undefined =>
    measured({ at: 0 }, { at: 100, rx: short }, { at: 1000, rx: long })?.rx;
  t.equal(rx(END / 64, END / 4), END / 4);
  t.equal(rx(END / 10, END + 5), undefined, 'fast all the time');
  t.equal(rx(END / 10, END), undefined, 'fast all the time, and seems to stand');
  t.equal(rx(0, 0.7 * END), undefined, 'faster later');
  t.equal(rx(1000, END + 10), undefined, 'fewer bytes in more time');
  t.equal(rx(0, 0), 0, 'a connection that is idle');
});

t.test('how full the buffer is, and who waits', async (t) => {
  const traffic = measured(
    { at: 0, rxFlags: 0x80, txFlags: 0xff },
    { at: 100, rxFlags: 0x80, txFlags: 0x7f },
    { at: 1000, rx: SIZE + 100, read: SIZE + 100 - SIZE / 4, rxFlags: 0x80 },
  );
  t.equal(traffic?.fill, 0.25);
  t.equal(traffic?.rxBlocked, 1);
  t.equal(traffic?.txBlocked, 1 / 3);
  t.equal(measured({ at: 0, rx: 0 }, { at: 1, rx: 1 }, { at: 2, rx: SIZE, read: 0 })?.fill, 1, 'full');
});

t.test('a socket that was not there, or is no connection', async (t) => {
  const rates = new SocketRates();
  const bare = { ...socket({ at: 0 }), attributes: {} };
  rates.add(bare, 0);
  rates.add(bare, 1);
  t.equal(rates.measure(bare, 2), undefined);
  rates.add(socket({ at: 5 }), 5);
  rates.add(socket({ at: 5 }), 5);
  t.equal(rates.measure(socket({ at: 9 }), 9), undefined, 'in one list only, twice');
  const other = { ...socket({ at: 9 }), id: { interface: 0, cookieLow: 2, cookieHigh: 2 } };
  rates.add(socket({ at: 6 }), 6);
  t.equal(rates.measure(other, 9), undefined, 'another socket');
  t.ok(rates.measure(socket({ at: 9 }), 9));
  t.equal(measured({ at: 0, size: 16_384 }, { at: 1 }, { at: 2 })?.rx, undefined, 'another buffer');
});
