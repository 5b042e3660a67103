// SPDX-License-Identifier: MIT
/**
 * How fast connections move data, from the positions in their buffers at several times. A position consists of an offset and
 * of a count of 16 bits, how often the buffer has wrapped. So it starts again after 65,536 times the size of the buffer, 4 GiB
 * for 64 KiB, and two positions tell less the longer they are apart. To notice that, the first two are close together: what
 * they show tells whether the distance of the last one is too long.
 */
import { type SmcSocket, socketCookie } from './sockets.ts';

/** What is known of the traffic of a connection; `undefined`: not known, because a restart may have been missed. */
export interface Traffic {
  /** time between the first and the last position */
  seconds: number;
  /** bytes per second from the peer, and to it */
  rx: number | undefined;
  tx: number | undefined;
  /** share of the receive buffer that holds data which no program has read yet, 0 to 1 */
  fill: number;
  /** share of the lists in which the peer, or this side, waited for room in the buffer of the other, 0 to 1 */
  rxBlocked: number;
  txBlocked: number;
}

type Connection = NonNullable<SmcSocket['attributes']['connection']>;

interface Sample {
  /** milliseconds of a clock that nobody sets */
  at: number;
  /** bytes since the last restart, and at how many it restarts */
  rx: number;
  rxEnd: number;
  tx: number;
  txEnd: number;
  rxBlocked: boolean;
  txBlocked: boolean;
}

/** The counts of wraps have 16 bits (struct smc_diag_cursor). */
const WRAPS = 0x1_0000;

/** union smc_host_cursor flags, net/smc/smc_cdc.h */
const WRITER_BLOCKED = 0x80;

/** Positions of one direction are trusted up to this share of the distance at which they restart. */
const TRUSTED = 0.5;

const position = ({ wrap, count }: Connection['rxProd'], size: number): number => wrap * size + count;

const sampleOf = (c: Connection, at: number): Sample => ({
  at,
  rx: position(c.rxProd, c.rmbeSize),
  rxEnd: WRAPS * c.rmbeSize,
  tx: position(c.txProd, c.peerRmbeSize),
  txEnd: WRAPS * c.peerRmbeSize,
  rxBlocked: Boolean(c.rxProdFlags & WRITER_BLOCKED),
  txBlocked: Boolean(c.txProdFlags & WRITER_BLOCKED),
});

/** Positions of all connections, from lists that are made one after the other. */
export class SocketRates {
  readonly #samples = new Map<bigint, Sample[]>();

  /** Adds a socket of a list before the last. @param now milliseconds of `performance.now()` */
  add({ id, attributes: { connection } }: SmcSocket, now: number): void {
    if (!connection) return;
    const sample = sampleOf(connection, now);
    const samples = this.#samples.get(socketCookie(id));
    if (!samples) this.#samples.set(socketCookie(id), [sample]);
    // a list can have a socket twice
    else if (samples.length === 1 && samples[0]!.at < now) samples.push(sample);
  }

  /** @returns `undefined` for a socket without an SMC connection, and for one that was not there at first */
  measure({ id, attributes: { connection } }: SmcSocket, now: number): Traffic | undefined {
    const [first, second] = this.#samples.get(socketCookie(id)) ?? [];
    if (!connection || !first || !second) return undefined;
    const last = sampleOf(connection, now);
    const share = (of: (sample: Sample) => boolean): number => [first, second, last].filter(of).length / 3;
    // what has arrived, less what programs have read
    const unread = distance(position(connection.txCons, connection.rmbeSize), last.rx, last.rxEnd);
    return {
      seconds: (last.at - first.at) / 1000,
      rx: rate([first, second, last], 'rx', 'rxEnd'),
      tx: rate([first, second, last], 'tx', 'txEnd'),
      fill: connection.rmbeSize === 0 ? 0 : Math.min(1, unread / connection.rmbeSize),
      rxBlocked: share(({ rxBlocked }) => rxBlocked),
      txBlocked: share(({ txBlocked }) => txBlocked),
    };
  }
}

/** From one position forward to another. */
const distance = (from: number, to: number, end: number): number => (end === 0 ? 0 : (to - from + end) % end);

function rate(
  [first, second, last]: readonly [Sample, Sample, Sample],
  at: 'rx' | 'tx',
  end: 'rxEnd' | 'txEnd',
): number | undefined {
  const restart = first[end];
  // another buffer: the connection was not one yet
  if (second[end] !== restart || last[end] !== restart || last.at <= second.at) return undefined;
  const short = distance(first[at], second[at], restart);
  const long = distance(first[at], last[at], restart);
  const expected = (short / (second.at - first.at)) * (last.at - first.at);
  if (expected > TRUSTED * restart || long > TRUSTED * restart || long < short) return undefined;
  return (long / (last.at - first.at)) * 1000;
}
