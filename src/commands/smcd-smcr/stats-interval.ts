// SPDX-License-Identifier: MIT
/** `stats --interval`: rates, a line for each interval, until Ctrl-C or the count is reached. */

import { pause, untilInterrupted } from '../../cli/interrupt.ts';
import type { RateRow, RatesDocument } from '../../documents/smcd.ts';
import { JsonRows } from '../../output/document.ts';
import { tableLines } from '../../output/fold.ts';
import { abbreviate, fixed } from '../../output/numbers.ts';
import { documentColumns, rowObject } from '../../output/table.ts';
import { explain } from '../../smc/explain.ts';
import { type Statistics, smcConnections, sum } from '../../smc/statistics.ts';
import { BaselineError, since } from '../../smc/statistics-baseline.ts';
import type { ObjectContext } from './object.ts';

/** What happened in an interval. */
interface Interval {
  /** its end */
  time: Date;
  seconds: number;
  counted: Statistics;
  flavor: ObjectContext['flavor'];
}

/** Room for the longest title and a blank. */
const RATE_WIDTH = 12;

/** A column with a rate per second. */
function rate<Key extends string>(
  key: Key,
  title: string,
  count: (interval: Interval) => bigint,
  isData = false,
) {
  const perSecond = (interval: Interval): number => Number(count(interval)) / interval.seconds;
  return {
    key: `${key}_per_second` as const,
    header: title.padStart(RATE_WIDTH),
    text: (interval: Interval) => {
      const value = perSecond(interval);
      return (isData ? abbreviate(BigInt(Math.round(value))) : fixed(value, 1)).padStart(RATE_WIDTH);
    },
    json: (interval: Interval) => Number(perSecond(interval).toFixed(3)),
  };
}

const COLUMNS = documentColumns<Interval, RateRow>()([
  {
    key: 'time',
    header: 'Time    ',
    text: ({ time }) => time.toTimeString().slice(0, 8),
    json: ({ time }) => time.toISOString(),
  },
  { key: 'seconds', json: ({ seconds }) => Number(seconds.toFixed(3)) },
  rate('connections', 'Conns/s', ({ counted, flavor }) => sum(smcConnections(counted[flavor]))),
  rate(
    'fallbacks',
    'Fallbacks/s',
    ({ counted: { fallbacks } }) => fallbacks.client.total + fallbacks.server.total,
  ),
  rate('handshake_errors', 'Errors/s', ({ counted }) => sum(counted.handshakeErrors)),
  rate('rx_bytes', 'RX-Bytes/s', ({ counted, flavor }) => counted[flavor].rx.bytes, true),
  rate('rx_requests', 'RX-Reqs/s', ({ counted, flavor }) => counted[flavor].rx.requests),
  rate('tx_bytes', 'TX-Bytes/s', ({ counted, flavor }) => counted[flavor].tx.bytes, true),
  rate('tx_requests', 'TX-Reqs/s', ({ counted, flavor }) => counted[flavor].tx.requests),
  rate('tx_buffer_full', 'TX-Full/s', ({ counted, flavor }) => counted[flavor].tx.buffers.full),
]);

/**
 * Prints rates. Each interval is measured: the pauses may be longer than asked for.
 * @param count how many intervals; until Ctrl-C if it is not given
 */
export async function watchStatistics(
  context: ObjectContext,
  seconds: number,
  count = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { io, paint, json, flavor } = context;
  const client = await context.client();
  const document = new JsonRows<RatesDocument, 'intervals'>(
    (text) => io.write(text),
    'intervals',
    io.isTerminal ? 2 : 0,
  );
  let before = await client.statistics();
  let start = performance.now();
  const table = tableLines(COLUMNS, paint, io.columns);
  if (!json) io.write(`${table.header}\n`);
  io.flush();
  try {
    await untilInterrupted(async (stop) => {
      for (let shown = 0; shown < count; ) {
        await pause(seconds * 1000, stop);
        if (stop.aborted) return;
        const current = await client.statistics();
        const now = performance.now();
        try {
          const counted = since(before, current);
          const interval = { time: new Date(), seconds: (now - start) / 1000, counted, flavor };
          if (json) document.row(rowObject(COLUMNS, interval));
          else io.write(`${table.row(interval)}\n`);
          io.flush();
          shown++;
        } catch (error) {
          if (!(error instanceof BaselineError)) throw error;
          context.note('the counters restarted: smc was loaded again');
        }
        before = current;
        start = now;
      }
    });
  } catch (error) {
    if (json) document.end({ error: explain(error)?.text ?? String(error) });
    throw error;
  }
  if (json) document.end({});
}
