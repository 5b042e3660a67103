// SPDX-License-Identifier: MIT
/** The list of sockets with what else is known of each. */
import type { SocketOwners } from '../host/socket-owners.ts';
import type { SmcClient } from './client.ts';
import { connectionSide, listeningPorts } from './connection-side.ts';
import type { SeenSocket } from './seen-socket.ts';
import type { FilterNeed } from './socket-filter-fields.ts';
import { socketLinkGroups } from './socket-link-groups.ts';
import { ownershipOf } from './socket-ownership.ts';
import type { SocketDetails } from './sockets.ts';

/** What is wanted of each socket. */
export interface Sight {
  details: SocketDetails;
  /** what is beyond the list of sockets */
  also: ReadonlySet<FilterNeed>;
  /** the processes of the host, for `ownership` */
  owners?: SocketOwners | undefined;
}

/**
 * Adds what a filter needs to what is wanted of each socket.
 * @returns the details that the kernel is to be asked for
 */
export function withNeeds(details: SocketDetails, needs: ReadonlySet<FilterNeed>): SocketDetails {
  return {
    connection: details.connection ?? false,
    link: (details.link ?? false) || needs.has('link') || needs.has('side') || needs.has('smcrLinkGroup'),
    dmb: (details.dmb ?? false) || needs.has('dmb'),
  };
}

/** The sockets of the network namespace of the client, in the order and in the batches of the kernel. @throws SmcError; NetlinkError */
export async function* seenSockets(
  client: SmcClient,
  { details, also, owners }: Sight,
): AsyncGenerator<SeenSocket[], { interrupted: boolean }> {
  const listening = also.has('side') ? await listeningPorts(client) : undefined;
  const linkGroupOf = also.has('smcrLinkGroup') ? await socketLinkGroups(client) : undefined;
  const batches = client.socketBatches(withNeeds(details, also));
  try {
    for (;;) {
      const next = await batches.next();
      if (next.done) return next.value;
      const sockets: SeenSocket[] = next.value;
      for (const socket of sockets) {
        if (owners) socket.ownership = ownershipOf(socket, owners);
        if (listening) socket.side = connectionSide(socket, listening);
        if (linkGroupOf) socket.smcrLinkGroup = linkGroupOf(socket);
      }
      yield sockets;
    }
  } finally {
    await batches.return({ interrupted: false });
  }
}
