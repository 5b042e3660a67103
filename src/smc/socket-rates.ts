// SPDX-License-Identifier: MIT
/**
 * How fast connections move data, from the positions in their buffers at several times. A position consists of an offset and
 * of a count of 16 bits, how often the buffer has wrapped. So it starts again after 65,536 times the size of the buffer, 4 GiB
 * for 64 KiB, and two positions tell less the longer they are apart. A probe, a third position shortly after the first one,
 * shows whether the last one is too far away. Without a probe, less is believed.
 */
import type { SeenSocket } from './seen-socket.ts';
import { SocketMap } from './socket-map.ts';
import type { SmcSocket } from './sockets.ts';

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

/** The same without a probe, and the time for which that holds. */
const TRUSTED_UNPROBED = 1 / 8;
const UNPROBED_MS = 7000;

/** From this share on, the next positions need a probe. */
const FAST = 1 / 16;

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

/** The traffic of one connection, from each list to the next. */
export class TrafficMeter {
  #last: Sample;
  #probe: Sample | undefined;
  /**
   * bytes that came from the peer, and went to it, since the connection began or was first met; `undefined` once a restart may
   * have been missed
   */
  rxBytes: number | undefined;
  txBytes: number | undefined;
  /** it moved so much between the last two lists that the next one needs a probe */
  isFast = false;

  /**
   * @param now milliseconds of `performance.now()`
   * @param since it began after this time; `undefined` if that is not known
   */
  constructor(connection: Connection, now: number, since?: number) {
    this.#last = sampleOf(connection, now);
    const { rx, rxEnd, tx, txEnd } = this.#last;
    const begin = (moved: number, end: number): number | undefined => {
      if (since === undefined) return 0;
      return moved <= TRUSTED_UNPROBED * end && now - since <= UNPROBED_MS ? moved : undefined;
    };
    this.rxBytes = begin(rx, rxEnd);
    this.txBytes = begin(tx, txEnd);
  }

  /** Takes positions between two lists, shortly after the first one. */
  probe(connection: Connection, now: number): void {
    if (now > this.#last.at) this.#probe ??= sampleOf(connection, now);
  }

  /** Takes the positions of the next list. @returns the traffic since the list before */
  add(connection: Connection, now: number): Traffic {
    const first = this.#last;
    const last = sampleOf(connection, now);
    const probe = this.#probe && this.#probe.at < now ? this.#probe : undefined;
    this.#last = last;
    this.#probe = undefined;
    const rx = moved(first, probe, last, 'rx', 'rxEnd');
    const tx = moved(first, probe, last, 'tx', 'txEnd');
    this.rxBytes = plus(this.rxBytes, rx);
    this.txBytes = plus(this.txBytes, tx);
    this.isFast = rx === undefined || tx === undefined || rx > FAST * last.rxEnd || tx > FAST * last.txEnd;
    const seconds = (last.at - first.at) / 1000;
    const samples = probe ? [first, probe, last] : [first, last];
    const share = (of: (sample: Sample) => boolean): number => samples.filter(of).length / samples.length;
    // what has arrived, less what programs have read
    const unread = distance(position(connection.txCons, connection.rmbeSize), last.rx, last.rxEnd);
    return {
      seconds,
      rx: rx === undefined ? undefined : rx / seconds,
      tx: tx === undefined ? undefined : tx / seconds,
      fill: connection.rmbeSize === 0 ? 0 : Math.min(1, unread / connection.rmbeSize),
      rxBlocked: share(({ rxBlocked }) => rxBlocked),
      txBlocked: share(({ txBlocked }) => txBlocked),
    };
  }
}

const plus = (sum: number | undefined, more: number | undefined): number | undefined =>
  sum === undefined || more === undefined ? undefined : sum + more;

/** From one position forward to another. */
const distance = (from: number, to: number, end: number): number => (end === 0 ? 0 : (to - from + end) % end);

/** Bytes between two positions; `undefined` if there may have been more. */
function moved(
  first: Sample,
  probe: Sample | undefined,
  last: Sample,
  at: 'rx' | 'tx',
  end: 'rxEnd' | 'txEnd',
): number | undefined {
  const restart = last[end];
  // without a buffer, it was not a connection yet
  const isNew = first[end] === 0;
  if ((first[end] !== restart && !isNew) || last.at <= first.at) return undefined;
  const long = distance(isNew ? 0 : first[at], last[at], restart);
  if (!probe || probe[end] !== first[end] || isNew)
    return long <= TRUSTED_UNPROBED * restart && last.at - first.at <= UNPROBED_MS ? long : undefined;
  const short = distance(first[at], probe[at], restart);
  const expected = (short / (probe.at - first.at)) * (last.at - first.at);
  if (expected > TRUSTED * restart || long > TRUSTED * restart || long < short) return undefined;
  return long;
}

/** The traffic of all connections between two lists. */
export class SocketRates {
  readonly #meters = new SocketMap<TrafficMeter>();

  /** Adds a socket of the first list. @param now milliseconds of `performance.now()` */
  add(socket: SeenSocket, now: number): void {
    const { connection } = socket.attributes;
    // a list can have a socket twice
    if (connection && !this.#meters.get(socket)) this.#meters.set(socket, new TrafficMeter(connection, now));
  }

  /** Adds a socket of a list shortly after the first. */
  probe(socket: SeenSocket, now: number): void {
    const { connection } = socket.attributes;
    if (connection) this.#meters.get(socket)?.probe(connection, now);
  }

  /**
   * Takes a socket of the last list.
   * @returns `undefined` for a socket without an SMC connection, and for one that was not there at first
   */
  measure(socket: SeenSocket, now: number): Traffic | undefined {
    const { connection } = socket.attributes;
    return connection && this.#meters.get(socket)?.add(connection, now);
  }
}
