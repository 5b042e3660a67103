// SPDX-License-Identifier: MIT
/**
 * Follows sockets from one list to the next: what appeared, changed and ended between them. What begins and ends between two
 * lists is in none of them.
 */
import type { SeenSocket } from './seen-socket.ts';
import { SocketMap } from './socket-map.ts';
import { TrafficMeter } from './socket-rates.ts';
import { connectionMode } from './sockets.ts';

/** What a change can be: another state, another mode, other reasons of a fallback, accepted by a program or closed by it. */
export type ChangeKind = 'state' | 'mode' | 'fallback' | 'inode';

/** A socket that is followed. The same object from its first list to its last. */
export class TrackedSocket {
  /** as in the last list that had it; with its `traffic` between the last two */
  socket: SeenSocket;
  /** times of its first and its last list, milliseconds of `performance.now()` */
  readonly firstSeenAt: number;
  lastSeenAt: number;
  /** the list before its first one was complete, so it began between the two */
  readonly fromStart: boolean;
  /** number of the last list that had it */
  list: number;
  meter: TrafficMeter | undefined;

  constructor(socket: SeenSocket, list: number, at: number, fromStart: boolean) {
    this.socket = socket;
    this.list = list;
    this.firstSeenAt = at;
    this.lastSeenAt = at;
    this.fromStart = fromStart;
  }

  /**
   * Bytes that came from the peer until the last list that had it: all of them if it is `fromStart`, otherwise since it was
   * first met. `undefined` if it was no SMC connection, and once they cannot be told (see socket-rates.ts).
   */
  get rxBytes(): number | undefined {
    return this.meter?.rxBytes;
  }

  /** The same for bytes to the peer. */
  get txBytes(): number | undefined {
    return this.meter?.txBytes;
  }
}

/** A socket that is not as it was in the list before. */
export interface SocketChange {
  tracked: TrackedSocket;
  /** as it was; `tracked.socket` is as it is */
  before: SeenSocket;
  what: ReadonlySet<ChangeKind>;
}

/** What is different between a list and the one before. */
export interface ListChanges {
  /** not those of the first list */
  appeared: TrackedSocket[];
  changed: SocketChange[];
  /** as they were in the last list that had them */
  ended: TrackedSocket[];
}

/**
 * Lists are given one after the other: `begin`, `add` for each batch, `end`. Between two lists, `probe` can be given the
 * batches of one more; see `needsProbe`. Only the last state of each socket is kept.
 */
export class SocketTracker {
  readonly #sockets = new SocketMap<TrackedSocket>();
  /** the lists are numbered from 1 */
  #list = 0;
  #beganAt = 0;
  /** when the list before this one began, if that was complete */
  #since: number | undefined;
  /** came in one piece per network namespace, so the kernel did not change it meanwhile */
  #isAtomic = true;
  #lastNamespace: number | undefined;
  #appeared: TrackedSocket[] = [];
  /** how sockets that may have changed were before */
  #before = new Map<TrackedSocket, SeenSocket>();
  #needsProbe = true;

  /** The sockets of the last list, and those that it may have missed. */
  sockets(): Iterable<TrackedSocket> {
    return this.#sockets.values();
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Number of the last list; sockets whose `list` is smaller were missing in it. */
  get list(): number {
    return this.#list;
  }

  /**
   * Some connection is so fast that the next list cannot tell its rate without a probe, shortly after this one. So it is after
   * the first list, when nothing is known yet.
   */
  get needsProbe(): boolean {
    return this.#needsProbe;
  }

  /** @param now milliseconds of `performance.now()` */
  begin(now: number): void {
    this.#list++;
    this.#beganAt = now;
    this.#isAtomic = true;
    this.#lastNamespace = undefined;
    this.#needsProbe = this.#list === 1;
  }

  /**
   * Adds what came in one datagram, and sets the `traffic` of the connections.
   * @param now milliseconds of `performance.now()`
   */
  add(batch: readonly SeenSocket[], now: number): void {
    if (!batch[0]) return;
    const namespace = batch[0].netns?.inode ?? 0;
    if (namespace === this.#lastNamespace) this.#isAtomic = false;
    this.#lastNamespace = namespace;
    for (const socket of batch) {
      const tracked = this.#sockets.get(socket);
      if (!tracked) this.#meet(socket, now);
      else if (tracked.list === this.#list) this.#meetAgain(tracked, socket);
      else this.#follow(tracked, socket, now);
    }
  }

  #meet(socket: SeenSocket, now: number): void {
    const tracked = new TrackedSocket(socket, this.#list, now, this.#since !== undefined);
    const { connection } = socket.attributes;
    if (connection) tracked.meter = new TrafficMeter(connection, now, this.#since);
    this.#sockets.set(socket, tracked);
    if (this.#list > 1) this.#appeared.push(tracked);
  }

  #follow(tracked: TrackedSocket, socket: SeenSocket, now: number): void {
    const { connection } = socket.attributes;
    if (connection && tracked.meter) {
      socket.traffic = tracked.meter.add(connection, now);
      if (tracked.meter.isFast) this.#needsProbe = true;
    } else if (connection) tracked.meter = new TrafficMeter(connection, now, tracked.lastSeenAt);
    if (isDifferent(tracked.socket, socket)) this.#before.set(tracked, tracked.socket);
    tracked.socket = socket;
    tracked.list = this.#list;
    tracked.lastSeenAt = now;
  }

  /** A list that changes while it is read can have a socket twice. */
  #meetAgain(tracked: TrackedSocket, socket: SeenSocket): void {
    const { socket: last } = tracked;
    if (last.traffic) socket.traffic = last.traffic;
    const isNew = tracked.firstSeenAt === tracked.lastSeenAt;
    if (!isNew && !this.#before.has(tracked) && isDifferent(last, socket)) this.#before.set(tracked, last);
    tracked.socket = socket;
  }

  /** Takes the positions of connections for the next rates. */
  probe(batch: readonly SeenSocket[], now: number): void {
    for (const socket of batch) {
      const { connection } = socket.attributes;
      if (connection) this.#sockets.get(socket)?.meter?.probe(connection, now);
    }
  }

  /**
   * Ends the list. A socket that is missing has ended, but not if the kernel says that the list was interrupted. A list of
   * several datagrams can lack a socket without a word, when others ended meanwhile (smc_diag counts sockets to know where it
   * was): a socket that is missing there has ended only if the next list does not have it either.
   */
  end({ interrupted }: { interrupted: boolean }): ListChanges {
    const ended: TrackedSocket[] = [];
    const missing = this.#list - (this.#isAtomic ? 1 : 2);
    if (!interrupted)
      for (const tracked of this.#sockets.values()) if (tracked.list <= missing) ended.push(tracked);
    for (const { socket } of ended) this.#sockets.delete(socket);
    this.#since = interrupted ? undefined : this.#beganAt;
    const changed: SocketChange[] = [];
    for (const [tracked, before] of this.#before) {
      const what = differences(before, tracked.socket);
      if (what.size > 0) changed.push({ tracked, before, what });
    }
    const appeared = this.#appeared;
    this.#appeared = [];
    this.#before = new Map();
    return { appeared, changed, ended };
  }
}

const reasonOf = ({ attributes: { fallback } }: SeenSocket): number => fallback?.reason ?? 0;
const peerReasonOf = ({ attributes: { fallback } }: SeenSocket): number => fallback?.peerDiagnosis ?? 0;

const hasOtherReasons = (one: SeenSocket, other: SeenSocket): boolean =>
  reasonOf(one) !== reasonOf(other) || peerReasonOf(one) !== peerReasonOf(other);

const isDifferent = (one: SeenSocket, other: SeenSocket): boolean =>
  one.state !== other.state ||
  one.mode !== other.mode ||
  one.inode !== other.inode ||
  hasOtherReasons(one, other);

function differences(before: SeenSocket, now: SeenSocket): Set<ChangeKind> {
  const what = new Set<ChangeKind>();
  if (before.state !== now.state) what.add('state');
  if (connectionMode(before) !== connectionMode(now)) what.add('mode');
  if (hasOtherReasons(before, now)) what.add('fallback');
  if (before.inode !== now.inode) what.add('inode');
  return what;
}
