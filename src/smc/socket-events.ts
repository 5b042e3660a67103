// SPDX-License-Identifier: MIT
/**
 * What happens to connections: made of what is different from list to list, and of the kernel's trace, which has each
 * fallback. A fallback that both have is one event.
 */
import type { SocketOwners } from '../host/socket-owners.ts';
import type { ThreadProcess } from '../host/thread-process.ts';
import { fallbackReasons } from './fallback-reasons.ts';
import { type ConnectionSide, fallbackOf, isConnection, type SeenSocket } from './seen-socket.ts';
import type { TracedFallback } from './smc-trace.ts';
import { type Ownership, ownershipOf } from './socket-ownership.ts';
import type { ListChanges, SocketChange, TrackedSocket } from './socket-tracker.ts';
import { connectionMode, type Endpoint, MODE_TCP } from './sockets.ts';

/** What happened to a connection, or to a socket that is none yet. */
export interface ConnectionEvent {
  /** `fallback` is in place of `appeared` where a connection was TCP when it was first seen */
  kind: 'appeared' | 'changed' | 'fallback' | 'ended';
  /** `trace`: the time is exact, and the process may be known */
  source: 'list' | 'trace';
  /** milliseconds of `performance.now()` */
  at: number;
  /**
   * as it is now; when it has ended, as it was last. Without ends if `isListed` is false. If the owner is the process of the
   * trace, its descriptor is UNKNOWN_FD.
   */
  socket: SeenSocket;
  /** as it was before a change */
  before?: SeenSocket | undefined;
  /** some list had it; if not, only the trace knows it */
  isListed: boolean;
  /** in the latter case, number of its network namespace */
  netnsCookie?: bigint;
  /** of a connection that has ended */
  end?: {
    /** see `TrackedSocket` */
    rxBytes: number | undefined;
    txBytes: number | undefined;
    /** the last list that had it */
    lastSeenAt: number;
    /** how long it lived; `undefined` if nobody saw its beginning */
    livedMs: number | undefined;
  };
}

/** In place of the descriptor where a trace names the process. */
export const UNKNOWN_FD = -1;

/** Whether the owner is the process of a trace. */
export const isTraced = ({ holders }: Ownership): boolean => holders[0]?.fd === UNKNOWN_FD;

/** What is remembered of a socket beside the tracker's. */
interface History {
  /** when the connection began, if that was seen */
  beganAt?: number;
  ownership?: Ownership;
  /** a server stays one when it does not listen any more */
  side?: ConnectionSide | undefined;
  /** a connection that the kernel has ended by itself shows port 0 until the program closes it */
  local?: Endpoint;
}

/** What is known about a list beside its sockets. */
export interface ListFacts {
  /** when it was made, in milliseconds of `performance.now()` */
  times: { begin: number; end: number };
  /** if they were read after it */
  owners: SocketOwners | undefined;
  sideOf: (socket: SeenSocket) => ConnectionSide | undefined;
  /** number of the network namespace of a socket, as in the trace */
  cookieOf: (socket: SeenSocket) => bigint | undefined;
}

/**
 * A connection falls back shortly before the list shows it as one. A fallback that is older than this when a list begins, and
 * not in it, is of a connection that has ended.
 */
const SETTLE_MS = 100;

/** More fallbacks that wait for a list are told at once. */
const PENDING_LIMIT = 10_000;

const isTcp = (socket: SeenSocket): boolean => isConnection(socket) && connectionMode(socket) === 'TCP';

const UNKNOWN_END = { address: undefined, port: 0 } as const;

/** Makes the events. */
export class SocketEvents {
  readonly #histories = new WeakMap<TrackedSocket, History>();
  /** fallbacks that no list has shown yet, in the order in which they happened */
  #pending: TracedFallback[] = [];

  /** Takes a fallback from the trace. */
  add(fallback: TracedFallback): void {
    this.#pending.push(fallback);
  }

  /** Whether the owners of the sockets that are new in a list are still to be read. */
  static needsOwners({ appeared, changed }: ListChanges): boolean {
    return (
      appeared.some(({ socket }) => socket.inode !== 0n) || changed.some(({ what }) => what.has('inode'))
    );
  }

  /** Takes the sockets of the first list: they were there before, and so were the fallbacks until now. */
  begin(
    sockets: Iterable<TrackedSocket>,
    owners: SocketOwners | undefined,
    sideOf: ListFacts['sideOf'],
  ): void {
    for (const tracked of sockets) this.#know(tracked, { owners, sideOf });
    this.#pending = [];
  }

  /** Makes events of what is different in a list, in the order in which they happened. */
  take({ appeared, changed, ended }: ListChanges, facts: ListFacts): ConnectionEvent[] {
    const { begin, end } = facts.times;
    const events: ConnectionEvent[] = [];
    const listed = { source: 'list', at: end, isListed: true } as const;
    const fallbacks: ConnectionEvent[] = [];
    const histories = new Map<ConnectionEvent, History>();
    const meet = (tracked: TrackedSocket, before: SeenSocket | undefined): void => {
      const { socket } = tracked;
      const history = this.#know(tracked, facts);
      const isBegin = before ? !isConnection(before) : tracked.fromStart;
      if (isConnection(socket) && isBegin) history.beganAt ??= end;
      const event: ConnectionEvent = { ...listed, kind: 'appeared', socket, before };
      if (isTcp(socket)) {
        event.kind = 'fallback';
        fallbacks.push(event);
        histories.set(event, history);
      }
      events.push(event);
    };
    // the kernel has the newest first
    for (const tracked of [...appeared].reverse()) meet(tracked, undefined);
    for (const change of changed) {
      const { tracked, before } = change;
      const { socket } = tracked;
      this.#know(tracked, facts, change);
      if ((isConnection(socket) && !isConnection(before)) || (isTcp(socket) && !isTcp(before)))
        meet(tracked, before);
      else if (['state', 'mode', 'fallback'].some((what) => change.what.has(what as 'state')))
        events.push({ ...listed, kind: 'changed', socket, before });
    }
    for (const event of fallbacks) {
      const traced = this.#match(event.socket, facts.cookieOf(event.socket));
      if (!traced) continue;
      event.source = 'trace';
      event.at = traced.at;
      const history = histories.get(event)!;
      if (history.beganAt !== undefined) history.beganAt = traced.at;
      if (history.ownership?.state === 'held' || traced.process.isKernel) continue;
      history.ownership = ownershipOfTrace(traced.process);
      event.socket.ownership = history.ownership;
    }
    for (const tracked of ended) events.push({ ...listed, kind: 'ended', ...this.#endOf(tracked, end) });
    events.push(...this.#overdue(begin - SETTLE_MS));
    return inOrder(events);
  }

  /** The fallbacks that have waited in vain. */
  rest(): ConnectionEvent[] {
    return this.#overdue(Number.POSITIVE_INFINITY);
  }

  #overdue(until: number): ConnectionEvent[] {
    const isOverdue = ({ at }: TracedFallback, index: number): boolean =>
      at < until || index < this.#pending.length - PENDING_LIMIT;
    const events = this.#pending.filter(isOverdue).map(unlisted);
    this.#pending = this.#pending.filter((one, index) => !isOverdue(one, index));
    return events;
  }

  /** Sets what is known of owner and side. */
  #know(
    tracked: TrackedSocket,
    { owners, sideOf }: Pick<ListFacts, 'owners' | 'sideOf'>,
    change?: SocketChange,
  ): History {
    let history = this.#histories.get(tracked);
    if (!history) {
      history = {};
      this.#histories.set(tracked, history);
    }
    const { socket } = tracked;
    if (change) apply(history, change.before);
    if (owners && (history.ownership?.state !== 'held' || change?.what.has('inode')))
      history.ownership = ownershipOf(socket, owners);
    if (socket.local.port !== 0) history.local = socket.local;
    history.side ??= sideOf(socket);
    apply(history, socket);
    return history;
  }

  #endOf(tracked: TrackedSocket, at: number): Pick<ConnectionEvent, 'socket' | 'end'> {
    const { socket, rxBytes, txBytes, lastSeenAt } = tracked;
    const history = this.#histories.get(tracked) ?? {};
    apply(history, socket);
    const livedMs = history.beganAt === undefined ? undefined : at - history.beganAt;
    return { socket, end: { rxBytes, txBytes, lastSeenAt, livedMs } };
  }

  /**
   * Takes the fallback of a socket out of those that wait. A trace tells neither ends nor cookie: it is one of the same
   * network namespace and reason, by a process that has the socket, or else by the kernel; of these the first. A process is
   * taken as well if it is not known who has the socket.
   */
  #match(socket: SeenSocket, cookie: bigint | undefined): TracedFallback | undefined {
    const reason = fallbackOf(socket)?.reason;
    const candidates = this.#pending.filter((one) => one.reason === reason && one.netnsCookie === cookie);
    const pids = new Set(socket.ownership?.holders.map(({ pid }) => pid));
    const found =
      candidates.find(({ process }) => pids.has(process.pid)) ??
      candidates.find(({ process }) => process.isKernel) ??
      (pids.size === 0 && !isUnaccepted(socket) ? candidates[0] : undefined);
    if (found) this.#pending.splice(this.#pending.indexOf(found), 1);
    return found;
  }
}

function apply({ ownership, side, local }: History, socket: SeenSocket): void {
  if (local && socket.local.port === 0) socket.local = local;
  if (ownership) socket.ownership = ownership;
  if (side && isConnection(socket)) socket.side = side;
}

/** No program has it, so none made it fall back. */
const isUnaccepted = ({ inode }: SeenSocket): boolean => inode === 0n;

function inOrder(events: ConnectionEvent[]): ConnectionEvent[] {
  return events.sort((one, other) => one.at - other.at);
}

const ownershipOfTrace = ({ command, pid, unit, container }: ThreadProcess): Ownership => ({
  state: 'held',
  holders: [{ command, pid, unit, container, fd: UNKNOWN_FD }],
});

/** The event of a fallback that no list has shown. */
function unlisted({ at, reason, process, netnsCookie }: TracedFallback): ConnectionEvent {
  const owner = process.isKernel ? undefined : process;
  const { side } = fallbackReasons.get(reason) ?? {};
  const found = side === 'client' || side === 'server' ? side : undefined;
  const socket: SeenSocket = {
    family: 43,
    state: 1,
    mode: MODE_TCP,
    id: { interface: 0, cookieLow: 0, cookieHigh: 0 },
    // equals nothing, and is neither less nor more than anything
    uid: owner?.uid ?? Number.NaN,
    inode: 0n,
    attributes: { fallback: { reason, peerDiagnosis: 0 } },
    addressFamily: undefined,
    local: UNKNOWN_END,
    peer: UNKNOWN_END,
    // a server falls back in the kernel, a client within connect(2) unless it does not wait for it
    side: found ?? (owner && 'client'),
    ownership: owner ? ownershipOfTrace(owner) : { state: 'unknown', holders: [] },
  };
  return { kind: 'fallback', source: 'trace', at, socket, isListed: false, netnsCookie };
}
