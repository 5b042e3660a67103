// SPDX-License-Identifier: MIT
/** Which end of a connection this host has. The kernel tells for some connections; for the rest, the listeners do. */
import type { SmcClient } from './client.ts';
import { fallbackReasons, PEERDECL } from './fallback-reasons.ts';
import { type ConnectionSide, fallbackOf, isConnection } from './seen-socket.ts';
import { type SmcSocket, STATE_LISTEN } from './sockets.ts';
import { linkRole } from './words.ts';

const OTHER: Readonly<Record<ConnectionSide, ConnectionSide>> = { client: 'server', server: 'client' };

/**
 * In SMC-R, a client's and a server's connections are never in one link group, so the role of the group tells. Most
 * reasons for a fallback are found on one side only. For all else, a server is who has a port that an SMC socket listens on.
 * @param socket with its link, if it is to be taken into account
 * @param listening ports on which SMC sockets of its network namespace listen
 * @returns `undefined` for a socket that is no connection
 */
export function connectionSide(
  socket: SmcSocket,
  listening: ReadonlySet<number>,
): ConnectionSide | undefined {
  if (!isConnection(socket)) return undefined;
  const { link } = socket.attributes;
  if (link) return linkRole(link.role) === 'SERV' ? 'server' : 'client';
  const fallback = fallbackOf(socket);
  const wasDeclined = fallback?.reason === PEERDECL;
  const finder = fallbackReasons.get((wasDeclined ? fallback?.peerDiagnosis : fallback?.reason) ?? 0)?.side;
  if (finder === 'client' || finder === 'server') return wasDeclined ? OTHER[finder] : finder;
  return listening.has(socket.local.port) ? 'server' : 'client';
}

/** Ports on which SMC sockets listen in the network namespace of the client. Lists all sockets once. */
export async function listeningPorts(client: SmcClient): Promise<ReadonlySet<number>> {
  const ports = new Set<number>();
  for await (const { state, local } of client.sockets()) if (state === STATE_LISTEN) ports.add(local.port);
  return ports;
}
