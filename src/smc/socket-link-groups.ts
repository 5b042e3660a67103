// SPDX-License-Identifier: MIT
/** Link groups of SMC-R connections. The list of sockets names the link of a connection, but not its group. */
import type { SmcClient } from './client.ts';
import type { SmcSocket } from './sockets.ts';
import { linkRole } from './words.ts';

/**
 * Reads the link groups once.
 * @returns number of the link group of a socket that has a link; `undefined` if none has that link, or several
 * @throws SmcError; NetlinkError
 */
export async function socketLinkGroups(
  client: SmcClient,
): Promise<(socket: SmcSocket) => number | undefined> {
  const groups = new Map<string, number | undefined>();
  for (const { id, role, links } of await client.smcrLinkGroups())
    for (const link of links) {
      const key = [role, link.id, link.ibDevice, link.ibPort, link.gid, link.peerGid].join(' ');
      groups.set(key, groups.has(key) ? undefined : id);
    }
  return ({ attributes: { link } }) =>
    link &&
    groups.get(
      [linkRole(link.role), link.linkId, link.ibName, link.ibPort, link.gid, link.peerGid].join(' '),
    );
}
