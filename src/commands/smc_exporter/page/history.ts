// SPDX-License-Identifier: MIT
/** What the page remembers: a bounded number of points, each with what happened since the one before it. */
import type { Statistics } from '../../../smc/statistics.ts';
import { smcConnections, sum } from '../../../smc/statistics.ts';
import type { ChartPoint } from './chart-points.ts';

/** Open connections by what they run over. */
export interface Modes {
  smcr: number;
  smcd: number;
  tcp: number;
}

/** Bytes in both directions, by technology. */
export interface Bytes {
  smcrRx: number;
  smcrTx: number;
  smcdRx: number;
  smcdTx: number;
}

/** What was counted between two readings. */
export interface Increase {
  /** time between them */
  seconds: number;
  /** connections that were made */
  made: Modes;
  bytes: Bytes;
  /** fallbacks by reason code, both sides together; only those that occurred */
  reasons: ReadonlyMap<number, number>;
}

export interface Point {
  /** milliseconds since 1970 */
  at: number;
  /** connections that were open; `undefined` if they could not be listed */
  open: Modes | undefined;
  /** since the point before; `undefined` for the first one, and if the counters could not be read */
  increase: Increase | undefined;
}

/** How far it reaches back, in milliseconds. */
const SPAN_MS = 3_600_000;

/** An hour at 5 seconds. */
const MOST_POINTS = 720;

/** Two points are not closer than this, or they would not reach back for an hour; half of what the most points have. */
const LEAST_MS = SPAN_MS / MOST_POINTS / 2;

/** One reading, as far as it becomes a point. */
export interface Sample {
  /** milliseconds since 1970 */
  at: number;
  /** milliseconds of a clock that nobody sets */
  clock: number;
  open: Modes | undefined;
  statistics: Statistics | undefined;
}

export class History {
  #points: Point[] = [];
  /** the last reading with counters */
  #last: { clock: number; statistics: Statistics } | undefined;
  readonly #most: number;

  constructor(most = MOST_POINTS) {
    this.#most = most;
  }

  /**
   * Adds a reading. If it comes too soon after the last one, it takes the place of that one.
   * @returns what happened since the reading before; `undefined` for the first one
   */
  add({ at, clock, open, statistics }: Sample): Increase | undefined {
    const seconds = this.#last && (clock - this.#last.clock) / 1000;
    const increase =
      this.#last && statistics && seconds! > 0
        ? increaseOf(this.#last.statistics, statistics, seconds!)
        : undefined;
    if (statistics) this.#last = { clock, statistics };
    const previous = this.#points.at(-1);
    const earlier = this.#points.at(-2);
    const point: Point = { at, open, increase };
    if (previous && earlier && Math.abs(at - earlier.at) < LEAST_MS) {
      this.#points.pop();
      point.increase = together([previous.increase, increase].filter((some) => some !== undefined));
    }
    // a clock that was set back must not keep points forever
    this.#points = this.#points.filter((old) => old.at <= at && at - old.at <= SPAN_MS);
    this.#points.push(point);
    if (this.#points.length > this.#most) this.#points.shift();
    return increase;
  }

  /** The oldest first. */
  get points(): readonly Point[] {
    return this.#points;
  }

  /** All that is remembered, added up; `undefined` without two readings. */
  recent(): Increase | undefined {
    return together(this.#points.map(({ increase }) => increase).filter((some) => some !== undefined));
  }
}

/** Counters that begin anew count from 0: another boot of the module, or another network namespace. */
const grown = (before: bigint, after: bigint): number => Number(after < before ? after : after - before);

function increaseOf(before: Statistics, after: Statistics, seconds: number): Increase {
  const made = (of: 'smcr' | 'smcd'): number =>
    grown(sum(smcConnections(before[of])), sum(smcConnections(after[of])));
  const bytes = (of: 'smcr' | 'smcd', way: 'rx' | 'tx'): number =>
    grown(before[of][way].bytes, after[of][way].bytes);
  const reasons = new Map<number, number>();
  let tcp = 0;
  for (const side of ['client', 'server'] as const) {
    const total = grown(before.fallbacks[side].total, after.fallbacks[side].total);
    tcp += total;
    const isReset = after.fallbacks[side].total < before.fallbacks[side].total;
    const counts = new Map(
      isReset ? [] : before.fallbacks[side].reasons.map(({ code, count }) => [code, count] as const),
    );
    for (const { code, count } of after.fallbacks[side].reasons) {
      // the kernel counts reasons in 16 bits
      const more = (count - (counts.get(code) ?? 0)) & 0xffff;
      if (more > 0) reasons.set(code, (reasons.get(code) ?? 0) + more);
    }
  }
  return {
    seconds,
    made: { smcr: made('smcr'), smcd: made('smcd'), tcp },
    bytes: {
      smcrRx: bytes('smcr', 'rx'),
      smcrTx: bytes('smcr', 'tx'),
      smcdRx: bytes('smcd', 'rx'),
      smcdTx: bytes('smcd', 'tx'),
    },
    reasons,
  };
}

/** The sum of several; `undefined` for none. */
function together(increases: readonly Increase[]): Increase | undefined {
  const [first, ...others] = increases;
  if (!first || others.length === 0) return first;
  const reasons = new Map<number, number>();
  for (const increase of increases)
    for (const [code, count] of increase.reasons) reasons.set(code, (reasons.get(code) ?? 0) + count);
  const total = (of: (increase: Increase) => number): number =>
    increases.reduce((all, increase) => all + of(increase), 0);
  return {
    seconds: total(({ seconds }) => seconds),
    made: {
      smcr: total(({ made }) => made.smcr),
      smcd: total(({ made }) => made.smcd),
      tcp: total(({ made }) => made.tcp),
    },
    bytes: {
      smcrRx: total(({ bytes }) => bytes.smcrRx),
      smcrTx: total(({ bytes }) => bytes.smcrTx),
      smcdRx: total(({ bytes }) => bytes.smcdRx),
      smcdTx: total(({ bytes }) => bytes.smcdTx),
    },
    reasons,
  };
}

/** A point as the charts show it. */
export function chartPoint({ at, open, increase }: Point): ChartPoint {
  const rate = (of: (bytes: NonNullable<Point['increase']>['bytes']) => number): number | null =>
    increase ? Math.round(of(increase.bytes) / increase.seconds) : null;
  return [
    Math.round(at / 1000),
    open?.smcr ?? null,
    open?.smcd ?? null,
    open?.tcp ?? null,
    rate(({ smcrRx, smcdRx }) => smcrRx + smcdRx),
    rate(({ smcrTx, smcdTx }) => smcrTx + smcdTx),
  ];
}
