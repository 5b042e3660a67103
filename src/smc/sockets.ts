// SPDX-License-Identifier: MIT
/** The SMC sockets of a network namespace, from sock_diag. */
import type { Infer } from '../netlink/schema.ts';
import type { DiagDump } from '../netlink/sock-diag.ts';
import {
  AF_SMC,
  SMC_DIAG_EXT,
  smcDiagAttributes,
  smcDiagMessage,
  smcDiagRequest,
} from '../netlink/uapi/smc-diag.ts';
import { type RawAddresses, socketDecoder } from './socket-decoder.ts';

/** enum smc_state, net/smc/smc.h. The names are those that users of the C suite know. */
export const SOCKET_STATES = {
  1: 'ACTIVE',
  2: 'INIT',
  7: 'CLOSED',
  10: 'LISTEN',
  20: 'PEERCLOSEWAIT1',
  21: 'PEERCLOSEWAIT2',
  22: 'APPCLOSEWAIT1',
  23: 'APPCLOSEWAIT2',
  24: 'APPFINCLOSEWAIT1', // the kernel has no "1" here, the C suite prints it
  25: 'PEERFINCLOSEWAIT',
  26: 'PEERABORTWAIT',
  27: 'PROCESSABORT',
} as const;

/** Name of a state; a number that is not known has a `?`. */
export type SocketState = (typeof SOCKET_STATES)[keyof typeof SOCKET_STATES] | '0?' | `0x${string}?`;

export const STATE_INIT = 2;
export const STATE_CLOSED = 7;
export const STATE_LISTEN = 10;

/** smc_diag_msg.diag_mode; SMC-R is also what sockets without a connection report */
export const MODE_SMCR = 0;
export const MODE_TCP = 1;
export const MODE_SMCD = 2;

/** How a connection moves its data. */
export type SocketMode = 'SMCR' | 'SMCD' | 'TCP';

/** Address and port of one end. */
export interface Endpoint {
  /** text as inet_ntop writes it; `undefined` when the kernel does not tell (IPPROTO_SMC sockets) */
  address: string | undefined;
  port: number;
}

/** What identifies a socket beside its ends. */
export interface SocketId {
  /** index of the interface that it is bound to, 0 for none */
  interface: number;
  /** see `socketCookie` */
  cookieLow: number;
  cookieHigh: number;
}

/** What the kernel tells of some sockets only. */
export type SocketAttributes = Infer<typeof smcDiagAttributes>;

/** A socket with everything that is known of it. */
export interface SmcSocket {
  /** 43; 2 or 10 for sockets opened with IPPROTO_SMC (since 6.11) */
  family: number;
  /** smc_state; see SOCKET_STATES */
  state: number;
  /** MODE_*; 0 for sockets without a connection as well */
  mode: number;
  id: SocketId;
  /** owner, in the reader's user namespace */
  uid: number;
  /** 0 when not accepted yet, or closed already */
  inode: bigint;
  attributes: SocketAttributes;
  /** `undefined` when neither SMC nor TCP tables tell */
  addressFamily: 'ipv4' | 'ipv6' | undefined;
  local: Endpoint;
  peer: Endpoint;
}

/** Name of a state; unknown numbers are spelled `0x1c?`. */
export function stateName(state: number): SocketState {
  const names: Readonly<Record<number, SocketState>> = SOCKET_STATES;
  return names[state] ?? (state === 0 ? '0?' : `0x${state.toString(16)}?`);
}

/** Mode of the connection; `undefined` for sockets that have none (yet), whatever number the kernel reports. */
export function connectionMode(socket: Pick<SmcSocket, 'state' | 'mode'>): SocketMode | undefined {
  if (socket.mode === MODE_TCP) return 'TCP';
  if (socket.mode === MODE_SMCD) return 'SMCD';
  return socket.state === STATE_INIT || socket.state === STATE_LISTEN ? undefined : 'SMCR';
}

/** 64 bit, unique per socket: two host words, low one first, on either byte order. */
export function socketCookie(id: Pick<SocketId, 'cookieLow' | 'cookieHigh'>): bigint {
  return (BigInt(id.cookieHigh) << 32n) | BigInt(id.cookieLow);
}

/** What to ask the kernel for on top of the basics; the rest of the data is not made if it is not wanted. */
export interface SocketDetails {
  /** buffer sizes, cursors, flags */
  connection?: boolean;
  /** SMC-R link */
  link?: boolean;
  /** SMC-D buffers */
  dmb?: boolean;
}

/**
 * The dump of all SMC sockets. IPv4 sockets come first, then IPv6, each newest first.
 * @param resolve fills in the addresses
 */
export const smcSocketDump = (
  resolve: (socket: SmcSocket, raw: RawAddresses) => void,
): DiagDump<Infer<typeof smcDiagRequest>, SmcSocket> => ({
  name: 'SMC sockets',
  request: smcDiagRequest,
  message: smcDiagMessage,
  attributes: smcDiagAttributes,
  decoder: (order) => socketDecoder(order, resolve),
});

/** Request for `smcSocketDump`. */
export function smcSocketRequest(details: SocketDetails): Infer<typeof smcDiagRequest> {
  return {
    family: AF_SMC,
    pad: new Uint8Array(2),
    extensions:
      (details.connection ? SMC_DIAG_EXT.connection : 0) |
      (details.link ? SMC_DIAG_EXT.link : 0) |
      (details.dmb ? SMC_DIAG_EXT.dmb : 0),
    id: {
      sourcePort: 0,
      destinationPort: 0,
      source: new Uint8Array(16),
      destination: new Uint8Array(16),
      interface: 0,
      cookieLow: 0,
      cookieHigh: 0,
    },
  };
}
