// SPDX-License-Identifier: MIT
/**
 * "Reset" of statistics: the kernel cannot, so the counters of that moment are kept and later subtracted. A baseline
 * counts for the boot and the network namespace it was taken in. Gauges are no part of the arithmetic.
 */
import type { FallbackStatistics, Statistics } from './statistics.ts';

/** Counters of an earlier moment. */
export interface Baseline {
  bootId: string;
  /** inode of the network namespace */
  networkNamespace: string;
  /** ISO 8601 */
  time: string;
  statistics: Statistics;
}

/** Why a baseline cannot be used. */
export class BaselineError extends Error {}
BaselineError.prototype.name = 'BaselineError';

/** Counts of reasons have 16 bits in the kernel: one that is below its baseline has wrapped. */
const REASON_COUNT_MASK = 0xffff;

const FORMAT = 'smc-tools-statistics';
const VERSION = 1;

/** The gauges: what is in use now does not belong to any reset. */
const GAUGE = 'usageBytes';

/** Text of a baseline, one JSON document; 64-bit numbers are strings. */
export function formatBaseline(baseline: Baseline): string {
  const document = { format: FORMAT, version: VERSION, ...baseline };
  return `${JSON.stringify(document, (_key, value) => (typeof value === 'bigint' ? `${value}` : value))}\n`;
}

/**
 * @param like statistics of this moment; the baseline must have the same shape
 * @throws BaselineError when the text is not a baseline
 */
export function parseBaseline(text: string, like: Statistics): Baseline {
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(text);
  } catch {
    throw new BaselineError('it is damaged');
  }
  if (document?.['format'] !== FORMAT || document['version'] !== VERSION)
    throw new BaselineError('it has another format');
  const { bootId, networkNamespace, time, statistics } = document;
  if (typeof bootId !== 'string' || typeof networkNamespace !== 'string' || !isTime(time))
    throw new BaselineError('it is damaged');
  return { bootId, networkNamespace, time, statistics: shaped(statistics, like) as Statistics };
}

/** The time is shown to people: nothing but a time may be in it. */
const isTime = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value);

function isReason(value: unknown): boolean {
  const { code, count } = (value ?? {}) as Partial<FallbackStatistics['reasons'][0]>;
  return isBetween(code, 0xffff_ffff) && isBetween(count, REASON_COUNT_MASK);
}

const isBetween = (value: unknown, maximum: number): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maximum;

/** Reads `value` in the shape of `like`: counters as decimal strings, lists of reasons as they are. */
function shaped(value: unknown, like: unknown, key = ''): unknown {
  if (key === GAUGE) return undefined;
  if (typeof like === 'bigint') {
    if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) throw new BaselineError('it is damaged');
    return BigInt(value);
  }
  if (key === 'reasons') {
    if (!Array.isArray(value) || !value.every(isReason)) throw new BaselineError('it is damaged');
    return value;
  }
  if (typeof value !== 'object' || value === null) throw new BaselineError('it is damaged');
  return mapLike(like as object, (part, name) =>
    shaped((value as Record<string, unknown>)[name], part, name),
  );
}

/**
 * What was counted since the baseline.
 * @throws BaselineError when a counter is below the baseline: the module was loaded again
 */
export function since(baseline: Statistics, current: Statistics): Statistics {
  return difference(current, baseline, '') as Statistics;
}

function difference(current: unknown, baseline: unknown, key: string): unknown {
  if (key === GAUGE) return current;
  if (typeof current === 'bigint') {
    if (current < (baseline as bigint))
      throw new BaselineError('it is newer than the counters: smc was loaded again');
    return current - (baseline as bigint);
  }
  if (key === 'reasons')
    return reasonsSince(baseline as FallbackStatistics['reasons'], current as FallbackStatistics['reasons']);
  return mapLike(current as object, (part, name) =>
    difference(part, (baseline as Record<string, unknown>)[name], name),
  );
}

function reasonsSince(
  baseline: FallbackStatistics['reasons'],
  current: FallbackStatistics['reasons'],
): FallbackStatistics['reasons'] {
  const before = new Map(baseline.map(({ code, count }) => [code, count]));
  return current
    .map(({ code, count }) => ({ code, count: (count - (before.get(code) ?? 0)) & REASON_COUNT_MASK }))
    .filter(({ count }) => count > 0);
}

function mapLike(like: object, map: (part: unknown, name: string) => unknown): unknown {
  const entries = Object.entries(like).map(([name, part]) => [name, map(part, name)] as const);
  return Array.isArray(like) ? entries.map(([, part]) => part) : Object.fromEntries(entries);
}
