// SPDX-License-Identifier: MIT
/** Whose a socket is: the processes that hold it, or why there are none. */
import type { SocketHolder, SocketOwners } from '../host/socket-owners.ts';
import { type SmcSocket, STATE_CLOSED } from './sockets.ts';

/** Who holds a socket. */
export interface Ownership {
  /**
   * `not accepted`: the connection waits for a program to accept it; `closed`: no program has it any more, the kernel is
   * ending it; `unknown`: a process has it that was not found
   */
  state: 'held' | 'not accepted' | 'closed' | 'unknown';
  /** empty unless it is held */
  holders: readonly SocketHolder[];
}

/** PEERCLOSEWAIT1, PEERCLOSEWAIT2, PEERFINCLOSEWAIT, PEERABORTWAIT: states in which only this side may have closed. */
const CLOSED_HERE: readonly number[] = [STATE_CLOSED, 20, 21, 25, 26];

/** Sockets without an inode have no file: the kernel made them for a listener, or their file is closed. */
export function ownershipOf({ inode, state }: SmcSocket, owners: SocketOwners): Ownership {
  if (inode === 0n) return { state: CLOSED_HERE.includes(state) ? 'closed' : 'not accepted', holders: [] };
  const holders = owners.holdersOf(inode);
  return { state: holders.length > 0 ? 'held' : 'unknown', holders };
}

/** Why the owners of some sockets are unknown, and what helps. */
export function whyUnknown({ unreadable, processes }: Pick<SocketOwners, 'unreadable' | 'processes'>): {
  why: string;
  hint?: string;
} {
  if (processes === 0) return { why: 'there are no processes in /proc' };
  return unreadable > 0
    ? {
        why: `${unreadable} process${unreadable === 1 ? '' : 'es'} of other users may not be read`,
        hint: 'run it as root',
      }
    : { why: 'their processes ended or began meanwhile, or are not visible from here' };
}
