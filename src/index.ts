// SPDX-License-Identifier: MIT
/**
 * The library: a typed client for the kernel's SMC interfaces.
 *
 *     import { SmcClient, connectionMode } from 'smc-tools';
 *
 *     const client = new SmcClient();
 *     for await (const socket of client.sockets()) console.log(connectionMode(socket), socket.local);
 *     client.close();
 */
export type { ModuleState } from './host/kernel-module.ts';
export type { ConnectionOptions } from './netlink/connection.ts';
export { NetlinkError, type NetlinkOperation } from './netlink/error.ts';
export { kernelTransport, type RawSocket, type Transport } from './netlink/transport.ts';
export { SmcClient, type SmcClientOptions } from './smc/client.ts';
export { SmcError, type SmcErrorCode } from './smc/error.ts';
export { type FallbackReason, fallbackReasons, formatReasonCode } from './smc/fallback-reasons.ts';
export {
  checkPnetId,
  foldPnetId,
  type PnetAdded,
  type PnetAddition,
  type PnetEntry,
  PnetTable,
} from './smc/pnet-table.ts';
export {
  connectionMode,
  type Endpoint,
  type RawSmcSocket,
  type SmcSocket,
  type SocketDetails,
  type SocketMode,
  socketCookie,
  stateName,
} from './smc/sockets.ts';
