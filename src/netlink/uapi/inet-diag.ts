// SPDX-License-Identifier: MIT
// Layouts of include/uapi/linux/inet_diag.h, Linux 6.12; used to look at the TCP socket inside an SMC socket.
import { u8, u32 } from '../codec.ts';
import { struct } from '../schema.ts';
import { sockId } from './smc-diag.ts';

export const IPPROTO_TCP = 6;

/** Bit of TCP_LISTEN (10) in `inetDiagRequest.states`. */
export const TCPF_LISTEN = 1 << 10;
/** Every state except TIME_WAIT (6) and NEW_SYN_RECV (12), which have no socket. */
export const TCPF_SOCKETS = 0xfff & ~(1 << 6);

/** struct inet_diag_req_v2, 56 bytes */
export const inetDiagRequest = struct('inet_diag_req_v2', {
  family: u8,
  protocol: u8,
  extensions: u8,
  pad: u8,
  states: u32,
  id: sockId,
});

/** the start of struct inet_diag_msg; what follows (timers, queues) is not read */
export const inetDiagMessage = struct('inet_diag_msg', {
  family: u8,
  state: u8,
  timer: u8,
  retransmits: u8,
  id: sockId,
});

/** A socket ID that matches every socket. */
export const anySocket = {
  sourcePort: 0,
  destinationPort: 0,
  source: new Uint8Array(16),
  destination: new Uint8Array(16),
  interface: 0,
  cookieLow: 0xffff_ffff,
  cookieHigh: 0xffff_ffff,
} as const;
