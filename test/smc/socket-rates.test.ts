// SPDX-License-Identifier: MIT
import t from 'tap';
import { connectionInfo } from '../../src/netlink/uapi/smc-diag.ts';
import { SocketRates, type Traffic, TrafficMeter } from '../../src/smc/socket-rates.ts';
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
    wrap: size && Math.floor(bytes / size) % 0x1_0000,
    count: size && bytes % size,
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
  rates.probe(socket(second), second.at);
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
  rates.add(socket({ at: 6, rx: 7 }), 6);
  const other = { ...socket({ at: 9 }), id: { interface: 0, cookieLow: 2, cookieHigh: 2 } };
  t.equal(rates.measure(other, 9), undefined, 'another socket');
  t.equal(rates.measure(socket({ at: 9, rx: 4 }), 9)?.rx, 1000, 'twice in the first list');
  t.equal(measured({ at: 0, size: 16_384 }, { at: 1 }, { at: 2 })?.rx, undefined, 'another buffer');
});

t.test('without a probe, positions are trusted for a shorter time and distance', async (t) => {
  const rx = (at: number, bytes: number): number | undefined => {
    const rates = new SocketRates();
    rates.add(socket({ at: 0 }), 0);
    return rates.measure(socket({ at, rx: bytes }), at)?.rx;
  };
  t.equal(rx(1000, END / 8), END / 8);
  t.equal(rx(1000, END / 8 + 1), undefined);
  t.equal(rx(7000, 7), 1);
  t.equal(rx(7001, 7), undefined);
});

t.test('from one list to the next', async (t) => {
  const connection = (place: Place): never => socket(place).attributes.connection as never;
  const meter = new TrafficMeter(connection({ at: 0, rx: 500 }), 0);
  t.match(meter.add(connection({ at: 1000, rx: 700 }), 1000), { seconds: 1, rx: 200, rxBlocked: 0 });
  t.notOk(meter.isFast);
  t.match(meter.add(connection({ at: 3000, rx: (3 * END) / 32 }), 3000), {
    seconds: 2,
    rx: ((3 * END) / 32 - 700) / 2,
  });
  t.ok(meter.isFast, 'it may move more than can be told');
  meter.probe(connection({ at: 3100, rx: END / 8 - END / 64, rxFlags: 0x80 }), 3100);
  meter.probe(connection({ at: 3200, rx: 0 }), 3200);
  t.match(meter.add(connection({ at: 4000, rx: END / 8 + END / 4 }), 4000), {
    rx: (5 * END) / 32 + END / 8,
    rxBlocked: 1 / 3,
  });
  t.equal(Math.round(meter.rxBytes!), Math.round(END / 8 + END / 4 - 500));
  t.equal(
    meter.add(connection({ at: 5000, rx: (3 * END) / 32 }), 5000).rx,
    undefined,
    'the probe was for one list',
  );
  t.equal(meter.rxBytes, undefined);
  t.match(meter.add(connection({ at: 6000, rx: (3 * END) / 32 }), 6000), { rx: 0 });
  t.equal(meter.rxBytes, undefined, 'what is missing stays missing');
  t.equal(meter.txBytes, 0);
});

t.test('the bytes of a connection that is met at its start', async (t) => {
  const begun = (place: Place, since?: number): number | undefined =>
    new TrafficMeter(socket(place).attributes.connection as never, place.at, since).rxBytes;
  t.equal(begun({ at: 1000, rx: 123_456 }), 0, 'not known when it began');
  t.equal(begun({ at: 1000, rx: 123_456 }, 0), 123_456);
  t.equal(begun({ at: 1000, rx: END / 4 }, 0), undefined);
  t.equal(begun({ at: 9000, rx: 1 }, 0), undefined, 'long ago');
  const meter = new TrafficMeter(socket({ at: 0, size: 0 }).attributes.connection as never, 0);
  meter.add(socket({ at: 1000, rx: 77_777 }).attributes.connection as never, 1000);
  t.equal(meter.rxBytes, 77_777, 'without a buffer at first');
});
