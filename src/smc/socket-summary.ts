// SPDX-License-Identifier: MIT
/** Counts sockets: by state and mode, by reason of a fallback, and connections by what they have in common. */

import { namespaceLabel } from './all-namespaces.ts';
import { PEERDECL } from './fallback-reasons.ts';
import { fallbackOf, isConnection, linkGroupOfSocket, type SeenSocket } from './seen-socket.ts';
import type { FilterNeed } from './socket-filter-fields.ts';
import { connectionMode } from './sockets.ts';

/** How many connections there are, and what they run over. */
export interface ConnectionCounts {
  connections: number;
  smcr: number;
  smcd: number;
  /** fell back */
  tcp: number;
}

/** How fast connections move data together. */
export interface GroupTraffic {
  /** bytes per second from the peers, and to them, of all whose rates are known */
  rx: number;
  tx: number;
  /** SMC connections whose rates are not known */
  unknown: number;
}

/** Connections that have something in common. */
export interface SocketGroup extends ConnectionCounts, GroupTraffic {
  /** `undefined`: they do not have it, or it is not known */
  key: string | number | undefined;
}

/** Adds the traffic of an SMC connection, if it was measured. */
export function addTraffic(sum: GroupTraffic, { traffic, attributes }: SeenSocket): void {
  sum.rx += traffic?.rx ?? 0;
  sum.tx += traffic?.tx ?? 0;
  if (attributes.connection && (traffic?.rx === undefined || traffic.tx === undefined)) sum.unknown++;
}

const none = (): ConnectionCounts => ({ connections: 0, smcr: 0, smcd: 0, tcp: 0 });

function count(counts: ConnectionCounts, socket: SeenSocket): void {
  counts.connections++;
  const mode = connectionMode(socket);
  if (mode === 'SMCR') counts.smcr++;
  else if (mode === 'SMCD') counts.smcd++;
  else counts.tcp++;
}

/** More groups are not kept: memory must not grow with the number of sockets. */
const MOST_GROUPS = 100_000;

/** Connections by a key. */
export class SocketGroups {
  readonly #groups = new Map<SocketGroup['key'], SocketGroup>();
  readonly #most: number;
  /** connections of groups that came after the first 100,000 */
  uncounted = 0;

  constructor(most = MOST_GROUPS) {
    this.#most = most;
  }

  add(key: SocketGroup['key'], socket: SeenSocket): void {
    let group = this.#groups.get(key);
    if (!group) {
      if (this.#groups.size >= this.#most) {
        this.uncounted++;
        return;
      }
      group = { key, ...none(), rx: 0, tx: 0, unknown: 0 };
      this.#groups.set(key, group);
    }
    count(group, socket);
    addTraffic(group, socket);
  }

  /** The groups with most connections, or most fallbacks, first; without those that have none. */
  ranking(by: 'connections' | 'tcp' = 'connections', length?: number): SocketGroup[] {
    return [...this.#groups.values()]
      .filter((group) => group[by] > 0)
      .sort((one, other) => other[by] - one[by] || compareKeys(one.key, other.key))
      .slice(0, length);
  }
}

/** Numbers by size, texts by character; what has no key is last. */
function compareKeys(one: SocketGroup['key'], other: SocketGroup['key']): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  if (one === undefined || other === undefined) return one === other ? 0 : one === undefined ? 1 : -1;
  return String(one) < String(other) ? -1 : 1;
}

interface Grouping {
  needs: readonly FilterNeed[];
  /** a connection with several is counted in each group */
  keys(socket: SeenSocket): readonly SocketGroup['key'][];
}

/** What different processes have, once each. */
const ofHolders =
  (of: (holder: { command: string | undefined; unit: string | undefined }) => string | undefined) =>
  ({ ownership }: SeenSocket): (string | undefined)[] => {
    const all = new Set(ownership?.holders.map(of));
    return all.size > 0 ? [...all] : [undefined];
  };

/** What connections can be grouped by. */
export const GROUPINGS = {
  peer: { needs: [], keys: ({ peer }) => [peer.address] },
  /** of the service: that of the server's end */
  port: { needs: ['side'], keys: ({ side, local, peer }) => [side === 'server' ? local.port : peer.port] },
  comm: { needs: ['ownership'], keys: ofHolders(({ command }) => command) },
  unit: { needs: ['ownership'], keys: ofHolders(({ unit }) => unit) },
  reason: { needs: [], keys: (socket) => [declinedFor(socket)?.code] },
  netns: { needs: ['netns'], keys: ({ netns }) => [netns && namespaceLabel(netns)] },
  lgr: { needs: ['dmb', 'link', 'smcrLinkGroup'], keys: (socket) => [linkGroupOfSocket(socket)] },
} satisfies Readonly<Record<string, Grouping>>;

export type GroupBy = keyof typeof GROUPINGS;

/** The reason for a fallback, whoever found it; `undefined` if it is none, or the kernel does not tell. */
function declinedFor(socket: SeenSocket): { code: number; byPeer: boolean } | undefined {
  const fallback = fallbackOf(socket);
  if (!fallback) return undefined;
  const byPeer = fallback.reason === PEERDECL && fallback.peerDiagnosis !== 0;
  return { code: byPeer ? fallback.peerDiagnosis : fallback.reason, byPeer };
}

/** Adds a connection to the groups that it belongs to; other sockets belong to none. */
export function addToGroups(groups: SocketGroups, by: GroupBy, socket: SeenSocket): void {
  if (isConnection(socket)) for (const key of GROUPINGS[by].keys(socket)) groups.add(key, socket);
}

/** How many sockets of a state there are. */
export interface StateCounts {
  smcr: number;
  smcd: number;
  tcp: number;
  /** without a connection */
  none: number;
  total: number;
}

/** How often a reason was the cause of a fallback. */
export interface ReasonCounts {
  code: number;
  /** by the side of this host */
  client: number;
  server: number;
  /** of both: the peer found it and declined */
  byPeer: number;
}

const TOTALS = ['peer', 'port', 'comm'] as const;

/** What a summary needs to know of each socket. */
export const SUMMARY_NEEDS: ReadonlySet<FilterNeed> = new Set(
  TOTALS.flatMap((by) => [...GROUPINGS[by].needs]),
);

/** Everything that the summary of a list shows. */
export class SocketSummary {
  /** by number, in the order in which they were met */
  readonly states = new Map<number, StateCounts>();
  readonly connections = none();
  readonly #reasons = new Map<number, ReasonCounts>();
  readonly groups = { peer: new SocketGroups(), port: new SocketGroups(), comm: new SocketGroups() };
  readonly #totals: readonly (typeof TOTALS)[number][];

  /** @param totals the groups that are wanted */
  constructor(totals: readonly (typeof TOTALS)[number][] = TOTALS) {
    this.#totals = totals;
  }

  add(socket: SeenSocket): void {
    const state = this.states.get(socket.state) ?? { smcr: 0, smcd: 0, tcp: 0, none: 0, total: 0 };
    this.states.set(socket.state, state);
    const mode = connectionMode(socket);
    state.total++;
    if (mode === 'SMCR') state.smcr++;
    else if (mode === 'SMCD') state.smcd++;
    else if (mode === 'TCP') state.tcp++;
    else state.none++;
    if (!isConnection(socket)) return;
    count(this.connections, socket);
    for (const by of this.#totals) addToGroups(this.groups[by], by, socket);
    this.#addReason(socket);
  }

  #addReason(socket: SeenSocket): void {
    const declined = declinedFor(socket);
    if (!declined) return;
    const { code, byPeer } = declined;
    const reason = this.#reasons.get(code) ?? { code, client: 0, server: 0, byPeer: 0 };
    this.#reasons.set(code, reason);
    reason[socket.side ?? 'client']++;
    if (byPeer) reason.byPeer++;
  }

  /** The most frequent first. */
  reasons(): ReasonCounts[] {
    const all = ({ client, server }: ReasonCounts): number => client + server;
    return [...this.#reasons.values()].sort((one, other) => all(other) - all(one) || one.code - other.code);
  }
}
