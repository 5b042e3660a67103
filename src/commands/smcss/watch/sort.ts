// SPDX-License-Identifier: MIT
/** In which order sockets are shown. */
import { fallbackOf, type SeenSocket } from '../../../smc/seen-socket.ts';
import type { TrackedSocket } from '../../../smc/socket-tracker.ts';

type Order = (one: TrackedSocket, other: TrackedSocket) => number;

/** A rate that cannot be told is that of something fast; then come new connections, and last what is none. */
function rank({ traffic, attributes }: SeenSocket, rate: 'rx' | 'tx'): number {
  if (traffic) return traffic[rate] ?? Number.POSITIVE_INFINITY;
  return attributes.connection ? -1 : -2;
}

/** Two infinities have no difference. */
const falling = (one: number, other: number): number => (one === other ? 0 : one < other ? 1 : -1);

const byRate =
  (rate: 'rx' | 'tx'): Order =>
  (one, other) =>
    falling(rank(one.socket, rate), rank(other.socket, rate));

/** The port of the service is usually the lower one. */
const servicePort = ({ local, peer }: SeenSocket): number =>
  peer.port === 0 ? local.port : Math.min(local.port, peer.port);

function reasonRank(socket: SeenSocket): number {
  const fallback = fallbackOf(socket);
  return fallback ? fallback.reason * 0x1_0000_0000 + fallback.peerDiagnosis : -1;
}

const text = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1);

/** Orders by their names in --sort; in each, what is equal stays as it was met. */
export const ORDERS = {
  rx: byRate('rx'),
  tx: byRate('tx'),
  age: (one, other) => other.firstSeenAt - one.firstSeenAt,
  port: ({ socket: one }, { socket: other }) => servicePort(one) - servicePort(other),
  peer: ({ socket: { peer: one } }, { socket: { peer: other } }) =>
    text(one.address ?? '', other.address ?? '') || one.port - other.port,
  reason: ({ socket: one }, { socket: other }) => falling(reasonRank(one), reasonRank(other)),
} satisfies Readonly<Record<string, Order>>;

/** What --sort takes. */
export type SortBy = keyof typeof ORDERS;
