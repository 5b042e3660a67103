// SPDX-License-Identifier: MIT
/** What the page of smc_exporter remembers. */
import t from 'tap';
import { chartPoint, History, type Sample } from '../../../src/commands/smc_exporter/page/history.ts';
import type { Statistics } from '../../../src/smc/statistics.ts';
import { noStatistics } from '../../helpers/healthy-host.ts';

interface Counters {
  smcr?: number;
  smcd?: number;
  tcp?: number;
  rx?: number;
  reasons?: { code: number; count: number }[];
}

function statistics({ smcr = 0, smcd = 0, tcp = 0, rx = 0, reasons = [] }: Counters): Statistics {
  const all = noStatistics();
  all.smcr.connections.clientV2 = BigInt(smcr);
  all.smcd.connections.serverV1 = BigInt(smcd);
  all.smcr.rx.bytes = BigInt(rx);
  all.fallbacks.client = { total: BigInt(tcp), reasons };
  return all;
}

const sample = (seconds: number, counters?: Counters): Sample => ({
  at: 1000 * seconds,
  clock: 1000 * seconds,
  open: { smcr: 1, smcd: 2, tcp: 3 },
  statistics: counters && statistics(counters),
});

t.test('what happened between two readings', async (t) => {
  const history = new History();
  t.equal(history.add(sample(100, { smcr: 5, rx: 1000 })), undefined, 'the first has none before it');
  t.equal(history.recent(), undefined);
  const increase = history.add(
    sample(110, { smcr: 7, smcd: 1, tcp: 4, rx: 6000, reasons: [{ code: 9, count: 4 }] }),
  );
  t.match(increase, { seconds: 10, made: { smcr: 2, smcd: 1, tcp: 4 }, bytes: { smcrRx: 5000, smcdTx: 0 } });
  t.strictSame([...increase!.reasons], [[9, 4]]);
  t.strictSame(history.points.map(chartPoint), [
    [100, 1, 2, 3, null, null],
    [110, 1, 2, 3, 500, 0],
  ]);
});

t.test('counters that begin anew count from 0', async (t) => {
  const history = new History();
  history.add(sample(0, { smcr: 500, tcp: 90, rx: 9_000_000, reasons: [{ code: 9, count: 90 }] }));
  const increase = history.add(sample(10, { smcr: 3, tcp: 1, rx: 40, reasons: [{ code: 9, count: 1 }] }));
  t.match(increase, { made: { smcr: 3, tcp: 1 }, bytes: { smcrRx: 40 } });
  t.strictSame([...increase!.reasons], [[9, 1]]);
});

t.test('reasons are counted in 16 bits', async (t) => {
  const history = new History();
  history.add(sample(0, { tcp: 65_535, reasons: [{ code: 9, count: 65_535 }] }));
  const increase = history.add(sample(10, { tcp: 65_540, reasons: [{ code: 9, count: 4 }] }));
  t.equal(increase?.made.tcp, 5);
  t.strictSame([...increase!.reasons], [[9, 5]]);
});

t.test('readings without counters leave a gap, and the next one counts across it', async (t) => {
  const history = new History();
  history.add(sample(0, { smcr: 1 }));
  t.equal(history.add(sample(10)), undefined);
  t.match(history.add(sample(20, { smcr: 6 })), { seconds: 20, made: { smcr: 5 } });
  t.match(history.recent(), { seconds: 20, made: { smcr: 5 } });
});

t.test('it is bounded in time and in number', async (t) => {
  const history = new History();
  for (let at = 0; at <= 7200; at += 5) history.add(sample(at, { smcr: at }));
  t.equal(history.points.length, 720);
  t.equal(history.points[0]?.at, 1000 * (7200 - 719 * 5));
  t.equal(history.recent()?.made.smcr, 3600, 'an hour of connections');

  const rare = new History();
  for (let at = 0; at <= 14_400; at += 60) rare.add(sample(at, { smcr: at }));
  t.equal(rare.points.length, 61, 'older ones go by their age');

  const set = new History();
  for (const at of [5000, 5010, 100, 110]) set.add(sample(at, { smcr: at }));
  t.equal(set.points.length, 2, 'a clock that was set back');
});

t.test('readings in quick succession share a point', async (t) => {
  const history = new History();
  for (let at = 0; at <= 600; at++) history.add(sample(at / 10, { smcr: at }));
  t.ok(history.points.length <= 26, `${history.points.length} points for a minute`);
  t.match(history.recent()?.made, { smcr: 600 }, 'and nothing is lost');
});
