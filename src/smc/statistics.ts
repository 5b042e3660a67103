// SPDX-License-Identifier: MIT
/**
 * Counters of a network namespace: connections, calls, bytes, buffers and fallbacks, since the namespace was made or
 * the module smc was loaded. The kernel has no way to reset them. Since Linux 5.14.
 */
import type { GenericNetlink } from '../netlink/genetlink.ts';
import type { Infer } from '../netlink/schema.ts';
import { smcGenNetlink } from '../netlink/uapi/smc.ts';
import {
  FALLBACK_SERVER,
  type statsBuffers,
  type statsSizes,
  type statsTechnology,
} from '../netlink/uapi/smc-stats.ts';

/** Upper limits of the size classes; the last class has none. */
export const SIZE_CLASSES = ['8K', '16K', '32K', '64K', '128K', '256K', '512K', '1024K', 'G_1024K'] as const;

/** One direction of the traffic of one technology. */
export interface DirectionStatistics {
  bytes: bigint;
  /** calls of programs; those that failed count, too, when sending */
  requests: bigint;
  /** bytes of buffers in use at this moment, no counter; `undefined` before Linux 6.12 */
  usageBytes: bigint | undefined;
  /** buffers handed to connections, by SIZE_CLASSES */
  bufferSizes: bigint[];
  /** requests by the size of their payload, by SIZE_CLASSES */
  requestSizes: bigint[];
  buffers: {
    /** the request was larger than the peer's buffer */
    tooSmallPeer: bigint;
    /** the request was larger than the buffer */
    tooSmall: bigint;
    fullPeer: bigint;
    full: bigint;
    /** taken from the pool */
    reused: bigint;
    /** newly made */
    allocated: bigint;
    /** smaller than wanted */
    downgraded: bigint;
  };
}

/** What one technology, SMC-D or SMC-R, did. */
export interface TechnologyStatistics {
  tx: DirectionStatistics;
  rx: DirectionStatistics;
  /** handshakes that led to an SMC connection, by version */
  connections: { clientV1: bigint; clientV2: bigint; serverV1: bigint; serverV2: bigint };
  /** special socket calls */
  calls: { sendpage: bigint; urgentData: bigint; splice: bigint; cork: bigint; nodelay: bigint };
}

/** Why connections of one side fell back to TCP. */
export interface FallbackStatistics {
  total: bigint;
  /**
   * In kernel order, at most 36 different ones. The kernel counts in 16 bits, so a count may have wrapped, and the sum
   * be less than the total.
   */
  reasons: { code: number; count: number }[];
}

/** Client and server side of something that belongs to neither technology. */
export interface BothSides<T> {
  client: T;
  server: T;
}

export interface Statistics {
  smcd: TechnologyStatistics;
  smcr: TechnologyStatistics;
  /** handshakes that failed for good, without a fallback to TCP */
  handshakeErrors: BothSides<bigint>;
  fallbacks: BothSides<FallbackStatistics>;
}

const SIZE_KEYS = [
  'upTo8K',
  'upTo16K',
  'upTo32K',
  'upTo64K',
  'upTo128K',
  'upTo256K',
  'upTo512K',
  'upTo1024K',
  'above1024K',
] as const satisfies readonly (keyof Infer<typeof statsSizes>)[];

const sizes = (counts: Infer<typeof statsSizes> = {}): bigint[] => SIZE_KEYS.map((key) => counts[key] ?? 0n);

const buffers = (counts: Infer<typeof statsBuffers> = {}): DirectionStatistics['buffers'] => ({
  tooSmallPeer: counts.sizeSmallPeer ?? 0n,
  tooSmall: counts.sizeSmall ?? 0n,
  fullPeer: counts.fullPeer ?? 0n,
  full: counts.full ?? 0n,
  reused: counts.reuse ?? 0n,
  allocated: counts.alloc ?? 0n,
  downgraded: counts.downgrade ?? 0n,
});

function direction(counts: Infer<typeof statsTechnology>, side: 'tx' | 'rx'): DirectionStatistics {
  return {
    bytes: counts[`${side}Bytes`] ?? 0n,
    requests: counts[`${side}Count`] ?? 0n,
    usageBytes: counts[`${side}RmbUsage`],
    bufferSizes: sizes(counts[`${side}RmbSize`]),
    requestSizes: sizes(counts[`${side}PayloadSize`]),
    buffers: buffers(counts[`${side}Rmb`]),
  };
}

function technology(counts: Infer<typeof statsTechnology> = {}): TechnologyStatistics {
  return {
    tx: direction(counts, 'tx'),
    rx: direction(counts, 'rx'),
    connections: {
      clientV1: counts.clientV1 ?? 0n,
      clientV2: counts.clientV2 ?? 0n,
      serverV1: counts.serverV1 ?? 0n,
      serverV2: counts.serverV2 ?? 0n,
    },
    calls: {
      sendpage: counts.sendpage ?? 0n,
      urgentData: counts.urgentData ?? 0n,
      splice: counts.splice ?? 0n,
      cork: counts.cork ?? 0n,
      nodelay: counts.nodelay ?? 0n,
    },
  };
}

/**
 * Reads all counters. The kernel adds them up over its processors while they go on: no consistent picture.
 * @throws NetlinkError
 */
export async function readStatistics(netlink: GenericNetlink): Promise<Statistics> {
  const fallbacks: Statistics['fallbacks'] = {
    client: { total: 0n, reasons: [] },
    server: { total: 0n, reasons: [] },
  };
  // No message at all comes when there never was a fallback. Fallbacks first, as in the C suite: the total of
  // connections then errs to the same side.
  for (const { fallback } of await netlink.dumpAll(smcGenNetlink.GET_FBACK_STATS)) {
    fallbacks.server.total = fallback.serverTotal ?? fallbacks.server.total;
    fallbacks.client.total = fallback.clientTotal ?? fallbacks.client.total;
    const side = fallback.type === FALLBACK_SERVER ? fallbacks.server : fallbacks.client;
    if (fallback.reasonCode) side.reasons.push({ code: fallback.reasonCode, count: fallback.reasonCount });
  }
  const { stats: counts } = await netlink.one(smcGenNetlink.GET_STATS);
  return {
    smcd: technology(counts.smcd),
    smcr: technology(counts.smcr),
    handshakeErrors: {
      client: counts.clientHandshakeErrors ?? 0n,
      server: counts.serverHandshakeErrors ?? 0n,
    },
    fallbacks,
  };
}

/** Connections that run over SMC. */
export function smcConnections({ connections }: TechnologyStatistics): BothSides<bigint> {
  const { clientV1, clientV2, serverV1, serverV2 } = connections;
  return { client: clientV1 + clientV2, server: serverV1 + serverV2 };
}

/** Both sides together. */
export const sum = ({ client, server }: BothSides<bigint>): bigint => client + server;
