// SPDX-License-Identifier: MIT
/** What one list of --watch shows: the sockets that are selected, and sums. */
import type { SeenSocket } from '../../../smc/seen-socket.ts';
import { addTraffic, type GroupTraffic, SocketSummary } from '../../../smc/socket-summary.ts';
import type { SocketTracker, TrackedSocket } from '../../../smc/socket-tracker.ts';
import type { FollowedList } from '../follow.ts';
import { ORDERS, type SortBy } from './sort.ts';

/** What is different about a socket in this list; those that are gone are shown once more. */
export type Mark = 'new' | 'changed' | 'gone';

/** The state of the sockets at one time. */
export interface Picture {
  at: Date;
  /** selected, in the order of the list */
  sockets: TrackedSocket[];
  marks: ReadonlyMap<TrackedSocket, Mark>;
  summary: SocketSummary;
  traffic: GroupTraffic;
  /** sockets may be missing */
  interrupted: boolean;
}

/** @param isWanted of the sockets that are shown; sums are of these, without those that are gone */
export function pictureOf(
  tracker: SocketTracker,
  { at, appeared, changed, ended, interrupted }: FollowedList,
  isWanted: (socket: SeenSocket) => boolean,
): Picture {
  const marks = new Map<TrackedSocket, Mark>();
  const sockets: TrackedSocket[] = [];
  const summary = new SocketSummary([]);
  const traffic: GroupTraffic = { rx: 0, tx: 0, unknown: 0 };
  for (const { tracked } of changed) marks.set(tracked, 'changed');
  for (const tracked of appeared) marks.set(tracked, 'new');
  const addGone = (tracked: TrackedSocket): void => {
    // not those that were missing before: whether they have ended turns out a list later
    if (tracked.list !== tracker.list - 1 || !isWanted(tracked.socket)) return;
    marks.set(tracked, 'gone');
    sockets.push(tracked);
  };
  for (const tracked of tracker.sockets()) {
    if (tracked.list !== tracker.list) addGone(tracked);
    else if (isWanted(tracked.socket)) {
      sockets.push(tracked);
      summary.add(tracked.socket);
      addTraffic(traffic, tracked.socket);
    }
  }
  for (const tracked of ended) addGone(tracked);
  return { at, sockets, marks, summary, traffic, interrupted };
}

/** The sockets of a picture in another order. */
export function sorted({ sockets }: Picture, by: SortBy): TrackedSocket[] {
  return [...sockets].sort(ORDERS[by]);
}
