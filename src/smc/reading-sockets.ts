// SPDX-License-Identifier: MIT
/** Counts the sockets of a network namespace, where that is neither too much work nor dangerous. */
import { socketsPerProtocol } from '../host/procfs.ts';
import { SocketOwners } from '../host/socket-owners.ts';
import { NetlinkError } from '../netlink/error.ts';
import { SmcError } from './error.ts';
import { listingDanger } from './listing-danger.ts';
import type { Asker } from './reading.ts';
import type { SeenSocket } from './seen-socket.ts';
import { seenSockets } from './seen-sockets.ts';
import { addToGroups, SocketGroups, SocketSummary } from './socket-summary.ts';

/** What the owners of connections can be grouped by. */
export const OWNER_GROUPINGS = ['unit', 'comm'] as const;
export type OwnerGrouping = (typeof OWNER_GROUPINGS)[number];

/** How sockets are counted. */
export interface SocketCounting {
  /** with more sockets than this they are not listed; `undefined`: they always are, also where that is dangerous */
  most: number | undefined;
  /** whose connections are counted; that takes a look at the descriptors of all processes */
  by: readonly OwnerGrouping[];
  /** the answers are from a recording: there are no processes, and no kernel that could crash */
  isRecorded: boolean;
  /** gets all sockets, with the buffers of connections */
  see?: (sockets: readonly SeenSocket[]) => void;
}

export interface SocketCounts {
  summary: SocketSummary;
  groups: { readonly [by in OwnerGrouping]?: SocketGroups };
  /** the table changed while it was read, so some sockets may be missing or counted twice */
  interrupted: boolean;
}

/** The sockets were not listed, on purpose. */
export class NotListed extends SmcError {
  constructor(message: string) {
    super('NOT_SUPPORTED', message);
  }
}
NotListed.prototype.name = 'NotListed';

/** Protocols whose sockets the list contains. */
export const SMC_PROTOCOLS = ['SMC', 'SMC6', 'INET_SMC', 'INET6_SMC'] as const;

/**
 * Lists and counts.
 * @throws NotListed; SmcError NO_SMC; NetlinkError, ERR_TIMEOUT as well if there was no time for all of them
 */
export async function countSockets({ client, root, sockets, isLate }: Asker): Promise<SocketCounts> {
  const { most, by, isRecorded, see } = sockets;
  if (most !== undefined && !isRecorded) refuseListing(most, root);
  const owners = by.length > 0 && !isRecorded ? new SocketOwners(root) : undefined;
  const summary = new SocketSummary([]);
  const groups = Object.fromEntries(by.map((one) => [one, new SocketGroups()]));
  const batches = seenSockets(client, {
    details: { connection: see !== undefined },
    also: new Set(),
    owners,
  });
  try {
    for (;;) {
      const next = await batches.next();
      if (next.done) return { summary, groups, interrupted: next.value.interrupted };
      for (const socket of next.value) {
        summary.add(socket);
        for (const one of by) addToGroups(groups[one]!, one, socket);
      }
      see?.(next.value);
      // the caller does not wait any more
      if (isLate()) throw new NetlinkError({ op: 'dump', code: 'ERR_TIMEOUT', family: 'SOCK_DIAG' });
    }
  } finally {
    await batches.return({ interrupted: false });
  }
}

/**
 * Keeps sockets from being listed where that can crash the kernel, or where there are more than `most`.
 * @throws NotListed
 */
function refuseListing(most: number, root: string): void {
  const danger = listingDanger({}, root);
  if (danger) throw new NotListed(danger.text);
  const counts = socketsPerProtocol(root);
  const open = SMC_PROTOCOLS.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
  if (open > most) throw new NotListed(`${open} sockets are open, more than ${most}`);
}
