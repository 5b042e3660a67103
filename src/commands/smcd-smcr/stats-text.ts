// SPDX-License-Identifier: MIT
/** The text report of `stats`, in the layout of the C suite. */
import { abbreviate, fixed } from '../../output/numbers.ts';
import { fallbackReasons, formatReasonCode } from '../../smc/fallback-reasons.ts';
import {
  type BothSides,
  type DirectionStatistics,
  type FallbackStatistics,
  type Statistics,
  smcConnections,
  sum,
} from '../../smc/statistics.ts';
import type { ObjectContext } from './object.ts';

/** Values end in one column. */
const LABEL_WIDTH = 29;
const VALUE_WIDTH = 12;

const line = (label: string, value: bigint, more = ''): string =>
  `${label.padEnd(LABEL_WIDTH)}${String(value).padStart(VALUE_WIDTH)}${more}`;

/** Amounts of data get two places more, taken from the label's side. */
const dataLine = (label: string, bytes: bigint): string =>
  `${label.padEnd(LABEL_WIDTH - 2)}${String(bytes).padStart(VALUE_WIDTH + 2)} (${abbreviate(bytes)})`;

const bothSides = ({ client, server }: BothSides<bigint>): string => ` (client ${client}, server ${server})`;

/** Exact doubles: the C suite rounds to single precision first, which shows from seven digits on. */
function ratio(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number(part) / Number(whole);
}

const percent = (part: bigint, whole: bigint): string => ` (${fixed(ratio(part, whole) * 100, 2)}%)`;

/** @returns the report with its line ends */
export function statisticsText(
  { flavor, details, io }: Pick<ObjectContext, 'flavor' | 'details' | 'io'>,
  statistics: Statistics,
): string {
  const { [flavor]: technology, handshakeErrors, fallbacks } = statistics;
  const isLong = details > 0;
  const { rx, tx, calls, connections } = technology;
  const smc = smcConnections(technology);
  const fallbackTotals = { client: fallbacks.client.total, server: fallbacks.server.total };
  const total = sum(smc) + sum(handshakeErrors) + sum(fallbackTotals);
  const average = fixed(ratio(rx.requests + tx.requests, sum(smc)), 1);
  const special = calls.cork + calls.nodelay + calls.sendpage + calls.splice + calls.urgentData;
  const ifLong = (...lines: string[]): string[] => (isLong ? lines : []);
  const sides = (counts: BothSides<bigint>): string => (isLong ? bothSides(counts) : '');

  const lines = [
    `${flavor === 'smcd' ? 'SMC-D' : 'SMC-R'} Connections Summary`,
    line('  Total connections handled', total),
    line('  SMC connections', sum(smc), sides(smc)),
    ...ifLong(
      line('    v1', connections.clientV1 + connections.serverV1),
      line('    v2', connections.clientV2 + connections.serverV2),
    ),
    line('  Handshake errors', sum(handshakeErrors), sides(handshakeErrors)),
    `${'  Avg requests per SMC conn'.padEnd(LABEL_WIDTH)}${average.padStart(VALUE_WIDTH + 2)}`,
    line('  TCP fallback', sum(fallbackTotals), sides(fallbackTotals)),
    ...ifLong(
      ...reasonLines('    Server', fallbacks.server, io.isTerminal),
      ...reasonLines('    Client', fallbacks.client, io.isTerminal),
    ),
    '',
    'RX Stats',
    ...trafficLines(rx),
    ...ifLong(...poolLines(rx)),
    ...histogramLines(rx),
    '',
    'TX Stats',
    ...trafficLines(tx),
    line('  Buffer full (remote)', tx.buffers.fullPeer, percent(tx.buffers.fullPeer, tx.requests)),
    line('  Buffer too small', tx.buffers.tooSmall, percent(tx.buffers.tooSmall, tx.requests)),
    line(
      '  Buffer too small (remote)',
      tx.buffers.tooSmallPeer,
      percent(tx.buffers.tooSmallPeer, tx.requests),
    ),
    ...ifLong(...poolLines(tx)),
    ...histogramLines(tx),
    '',
    'Extras',
    line('  Special socket calls', special),
    ...ifLong(
      line('    cork', calls.cork),
      line('    nodelay', calls.nodelay),
      line('    sendpage', calls.sendpage),
      line('    splice', calls.splice),
      line('    urgent data', calls.urgentData),
    ),
  ];
  return lines.map((text) => `${text}\n`).join('');
}

const trafficLines = ({ bytes, requests, usageBytes, buffers }: DirectionStatistics): string[] => [
  dataLine('  Data transmitted (Bytes)', bytes),
  line('  Total requests', requests),
  ...(usageBytes === undefined
    ? []
    : [line('  Buffer usage (Bytes)', usageBytes, ` (${abbreviate(usageBytes)})`)]),
  line('  Buffer full', buffers.full, percent(buffers.full, requests)),
];

const poolLines = ({ buffers }: DirectionStatistics): string[] => [
  line('  Buffer downgrades', buffers.downgraded),
  line('  Buffer reuses', buffers.reused),
];

function histogramLines({ bufferSizes, requestSizes }: DirectionStatistics): string[] {
  const row = (label: string, counts: readonly bigint[]): string => {
    // one cell less than there are classes: the last holds everything above 512 KiB
    const cells = [...counts.slice(0, 7), (counts[7] ?? 0n) + (counts[8] ?? 0n)];
    return `${label.padEnd(9)}${cells.map((count) => abbreviate(count).padStart(6)).join('  ')}`;
  };
  return [
    '            8KB    16KB    32KB    64KB   128KB   256KB   512KB  >512KB',
    row('  Bufs', bufferSizes),
    row('  Reqs', requestSizes),
  ];
}

/** The report has room for so many reasons a side; JSON has them all. */
const REASONS_SHOWN = 3;
const REASON_WIDTH = 12;

function reasonLines(caption: string, { reasons }: FallbackStatistics, showsUnknown: boolean): string[] {
  const shown = reasons
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, REASONS_SHOWN)
    .map(({ code, count }) => {
      const label = fallbackReasons.get(code)?.label ?? (showsUnknown ? formatReasonCode(code) : '[unknown]');
      return `     ${label.padEnd(REASON_WIDTH)}${' '.repeat(12)}${String(count).padStart(VALUE_WIDTH)}`;
    });
  return shown.length > 0 ? [caption, ...shown] : [];
}
