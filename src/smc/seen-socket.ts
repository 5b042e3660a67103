// SPDX-License-Identifier: MIT
/** A socket with what is known of it beyond the kernel's table of sockets, for those who asked for it. */
import type { NetworkNamespace } from '../host/network-namespaces.ts';
import type { Ownership } from './socket-ownership.ts';
import type { Traffic } from './socket-rates.ts';
import { connectionMode, MODE_SMCD, type SmcSocket, STATE_INIT, STATE_LISTEN } from './sockets.ts';

/** Which end of a connection this host has. */
export type ConnectionSide = 'client' | 'server';

/** A socket as views, filters and summaries see it. What nobody asked for is `undefined`. */
export interface SeenSocket extends SmcSocket {
  ownership?: Ownership;
  /** `undefined` without a connection, too */
  side?: ConnectionSide | undefined;
  /** network namespace that it is in */
  netns?: NetworkNamespace;
  /** how fast it moves data; `undefined` as well for what was not there at first */
  traffic?: Traffic | undefined;
  /** link group of an SMC-R connection; `undefined` as well if several could be it */
  smcrLinkGroup?: number | undefined;
}

/** Whether the socket is a connection, or was one: it does not listen and is not new. */
export const isConnection = ({ state }: SmcSocket): boolean => state !== STATE_INIT && state !== STATE_LISTEN;

/** Number of the link group that a connection uses; `undefined` for none, and when it was not asked for. */
export function linkGroupOfSocket(socket: SeenSocket): number | undefined {
  return socket.mode === MODE_SMCD ? socket.attributes.dmb?.linkId : socket.smcrLinkGroup;
}

/** Why a connection is TCP: the codes of both sides, 0 for none; `undefined` if it is not TCP. */
export function fallbackOf(socket: SmcSocket): { reason: number; peerDiagnosis: number } | undefined {
  return connectionMode(socket) === 'TCP' ? socket.attributes.fallback : undefined;
}
