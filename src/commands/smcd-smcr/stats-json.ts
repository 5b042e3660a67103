// SPDX-License-Identifier: MIT
/** Statistics as JSON: ours, and the line of `stats json` in the C suite. */
import type {
  CountsBySize,
  FallbackCounts,
  StatisticsDocument,
  SuiteCount,
  TrafficCounts,
} from '../../documents/smcd.ts';
import type { Made } from '../../output/document.ts';
import { stringify } from '../../output/json.ts';
import { namedReason } from '../../smc/fallback-reasons.ts';
import {
  type DirectionStatistics,
  type FallbackStatistics,
  SIZE_CLASSES,
  type Statistics,
  smcConnections,
  sum,
} from '../../smc/statistics.ts';
import type { Baseline } from '../../smc/statistics-baseline.ts';
import type { Flavor } from './object.ts';

/** Everything that is counted, fallbacks and handshake errors included. */
export function statisticsJson(
  flavor: Flavor,
  statistics: Statistics,
  baseline?: Baseline,
): Made<StatisticsDocument['statistics']> {
  const { [flavor]: technology, handshakeErrors, fallbacks } = statistics;
  const { connections, calls } = technology;
  const smc = smcConnections(technology);
  return {
    technology: flavor === 'smcd' ? 'SMC-D' : 'SMC-R',
    baseline: baseline ? { time: baseline.time, network_namespace: Number(baseline.networkNamespace) } : null,
    connections: {
      smc: sum(smc),
      client: { v1: connections.clientV1, v2: connections.clientV2 },
      server: { v1: connections.serverV1, v2: connections.serverV2 },
    },
    handshake_errors: { client: handshakeErrors.client, server: handshakeErrors.server },
    fallbacks: { client: fallbackJson(fallbacks.client), server: fallbackJson(fallbacks.server) },
    rx: directionJson(technology.rx),
    tx: directionJson(technology.tx),
    special_calls: {
      cork: calls.cork,
      nodelay: calls.nodelay,
      sendpage: calls.sendpage,
      splice: calls.splice,
      urgent_data: calls.urgentData,
    },
  };
}

const fallbackJson = ({ total, reasons }: FallbackStatistics): Made<FallbackCounts> => ({
  total,
  reasons: reasons.map(({ code, count }) => ({ ...namedReason(code), count })),
});

/** Names of the size classes in our JSON: the last one is open. */
const CLASS_KEYS: readonly string[] = [...SIZE_CLASSES.slice(0, -1), 'larger'];

const classesJson = (counts: readonly bigint[]): Made<CountsBySize> =>
  Object.fromEntries(counts.map((count, index) => [CLASS_KEYS[index]!, count])) as Made<CountsBySize>;

const directionJson = ({ buffers, ...direction }: DirectionStatistics): Made<TrafficCounts> => ({
  bytes: direction.bytes,
  requests: direction.requests,
  buffer_usage_bytes: direction.usageBytes ?? null,
  buffer_events: {
    full: buffers.full,
    full_peer: buffers.fullPeer,
    too_small: buffers.tooSmall,
    too_small_peer: buffers.tooSmallPeer,
    allocated: buffers.allocated,
    reused: buffers.reused,
    downgraded: buffers.downgraded,
  },
  buffer_sizes: classesJson(direction.bufferSizes),
  request_sizes: classesJson(direction.requestSizes),
});

/**
 * The 65 counters of one technology in the order and under the names of the C suite, one line; handshake errors and
 * fallbacks are no part of it. `null` for what the kernel does not tell.
 */
export function suiteJson(flavor: Flavor, statistics: Statistics): string {
  const { rx, tx, connections, calls } = statistics[flavor];
  const sized = (prefix: string, counts: readonly bigint[]): (readonly [string, bigint])[] =>
    SIZE_CLASSES.map((name, index) => [`SMC_${prefix}_BUF_${name}`, counts[index] ?? 0n] as const);
  const events = (prefix: string, { buffers }: DirectionStatistics): (readonly [string, bigint])[] =>
    (
      [
        ['SIZE_SM_PEER', buffers.tooSmallPeer],
        ['SIZE_SM', buffers.tooSmall],
        ['FULL_PEER', buffers.fullPeer],
        ['FULL', buffers.full],
        ['REUSE', buffers.reused],
        ['ALLOC', buffers.allocated],
        ['DGRADE', buffers.downgraded],
      ] as const
    ).map(([name, count]) => [`SMC_INT_${prefix}_BUF_${name}_CNT`, count] as const);
  const counters: Made<Record<string, SuiteCount>> = Object.fromEntries<bigint | null>([
    ...sized('INT_TX', tx.bufferSizes),
    ...sized('INT_RX', rx.bufferSizes),
    ...sized('USR_TX', tx.requestSizes),
    ...sized('USR_RX', rx.requestSizes),
    ...events('TX', tx),
    ...events('RX', rx),
    ['SMC_CLNT_V1_SUCC_CNT', connections.clientV1],
    ['SMC_CLNT_V2_SUCC_CNT', connections.clientV2],
    ['SMC_SRV_V1_SUCC_CNT', connections.serverV1],
    ['SMC_SRV_V2_SUCC_CNT', connections.serverV2],
    ['SMC_SENDPAGE_CNT', calls.sendpage],
    ['SMC_URG_DATA_CNT', calls.urgentData],
    ['SMC_SPLICE_CNT', calls.splice],
    ['SMC_CORK_CNT', calls.cork],
    ['SMC_NDLY_CNT', calls.nodelay],
    ['SMC_RX_BYTES', rx.bytes],
    ['SMC_TX_BYTES', tx.bytes],
    ['SMC_RX_CNT', rx.requests],
    ['SMC_TX_CNT', tx.requests],
    ['SMC_RX_RMB_USAGE', rx.usageBytes ?? null],
    ['SMC_TX_RMB_USAGE', tx.usageBytes ?? null],
  ]);
  // a blank after the outer colon, and nowhere else
  return `{"${flavor.toUpperCase()}": ${stringify(counters)}}\n`;
}
