// SPDX-License-Identifier: MIT
import t from 'tap';
import { SmcClient } from '../../src/smc/client.ts';
import {
  type Baseline,
  BaselineError,
  formatBaseline,
  parseBaseline,
  since,
} from '../../src/smc/statistics-baseline.ts';
import { inspectedKernel } from '../helpers/inspected-kernel.ts';

async function statistics() {
  const client = new SmcClient({ transport: inspectedKernel() });
  try {
    return await client.statistics();
  } finally {
    client.close();
  }
}

const baselineOf = (counters: Baseline['statistics']): Baseline => ({
  bootId: 'boot',
  networkNamespace: '1',
  time: '2026-01-01T00:00:00.000Z',
  statistics: counters,
});

t.test('a baseline is read as it was written, but for the gauges', async (t) => {
  const now = await statistics();
  const text = formatBaseline(baselineOf(now));
  const { statistics: read, ...identity } = parseBaseline(text, now);
  t.match(identity, { bootId: 'boot', networkNamespace: '1', time: '2026-01-01T00:00:00.000Z' });
  t.equal(read.smcd.tx.bytes, 0xffff_ffff_ffff_ffffn, '64 bits');
  t.strictSame(read.fallbacks, now.fallbacks);
  t.equal(read.smcd.rx.usageBytes, undefined);
  const difference = since(read, now);
  t.equal(difference.smcd.tx.bytes, 0n);
  t.equal(difference.smcd.rx.usageBytes, 655_360n, 'the gauge of now');
  t.strictSame(difference.fallbacks.client, { total: 0n, reasons: [] });
});

t.test('a baseline of a kernel that told less', async (t) => {
  const now = await statistics();
  const { usageBytes: _, ...rx } = now.smcd.rx;
  const old = { ...now, smcd: { ...now.smcd, rx: { ...rx, usageBytes: undefined } } };
  const { statistics: read } = parseBaseline(formatBaseline(baselineOf(old)), now);
  t.equal(since(read, now).smcd.rx.usageBytes, 655_360n);
});

t.test('every counter is compared', async (t) => {
  const now = await statistics();
  const paths = pathsOf(now).filter((path) => !path.endsWith('usageBytes'));
  t.equal(paths.length, 2 * 63 + 4, 'of both technologies, and those of neither');
  for (const path of paths) {
    const newer = raised(now, path.split('.'));
    t.throws(() => since(newer, now), BaselineError, path);
    t.throws(
      () => parseBaseline(formatBaseline(baselineOf(newer)).replace(/"time".*/, ''), now),
      BaselineError,
    );
  }
});

/** Paths of all 64-bit numbers. */
function pathsOf(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, part]) => {
    const path = prefix ? `${prefix}.${key}` : key;
    if (typeof part === 'bigint') return [path];
    return typeof part === 'object' && part !== null ? pathsOf(part, path) : [];
  });
}

/** A copy in which one number is higher by one. */
function raised<T extends object>(value: T, [key = '', ...rest]: string[]): T {
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  const part = copy[key];
  copy[key] = typeof part === 'bigint' ? part + 1n : raised(part as object, rest);
  return copy as T;
}
