// SPDX-License-Identifier: MIT
import type { Hex, Integer, Reason, UnknownNumber } from './values.ts';

/**
 * SMC sockets.
 * @title smcss
 */
export interface SocketsDocument {
  sockets: SocketRow[];
  /** false: sockets may be missing or listed twice, because the table changed while it was read, or an error occurred */
  complete: boolean;
  /** what failed; present only after a failure */
  error?: string;
}

/** A socket. */
export interface SocketRow {
  state:
    | 'ACTIVE'
    | 'INIT'
    | 'CLOSED'
    | 'LISTEN'
    | 'PEERCLOSEWAIT1'
    | 'PEERCLOSEWAIT2'
    | 'APPCLOSEWAIT1'
    | 'APPCLOSEWAIT2'
    | 'APPFINCLOSEWAIT1'
    | 'PEERFINCLOSEWAIT'
    | 'PEERABORTWAIT'
    | 'PROCESSABORT'
    | '0?'
    | UnknownNumber;
  /** owner */
  uid: Integer;
  inode: Integer;
  /** null if unknown */
  family: 'ipv4' | 'ipv6' | null;
  local: SocketEnd;
  /** null for a listening socket */
  peer: SocketEnd | null;
  /** index of the interface that the socket is bound to */
  interface: Integer | null;
  /** null without a connection */
  mode: 'SMCR' | 'SMCD' | 'TCP' | null;
  /** null unless the mode is TCP */
  fallback: { reason: Reason; peer_diagnosis: Reason | null } | null;
  /** sides that are shut down */
  shutdown: { receive: boolean; send: boolean };
  /** null if there is no SMC connection */
  connection: SocketConnection | null;
  /** null if it is not an SMC-R connection */
  link: SocketLink | null;
  /** null if it is not an SMC-D connection */
  dmb: SocketDmb | null;
  /** unique for each socket; 16 digits */
  cookie: Hex;
}

export interface SocketEnd {
  /** in full; null if unknown */
  address: string | null;
  /** TCP port */
  port: Integer;
}

export interface SocketConnection {
  /** 8 digits */
  token: Hex;
  sndbuf_bytes: Integer;
  rcvbuf_bytes: Integer;
  peerbuf_bytes: Integer;
  rx_prod: SocketCursor;
  rx_cons: SocketCursor;
  rx_flags: SocketFlags;
  tx_prod: SocketCursor;
  tx_cons: SocketCursor;
  tx_flags: SocketFlags;
  tx_prep: SocketCursor;
  tx_sent: SocketCursor;
  tx_fin: SocketCursor;
}

/** A position in a ring buffer. */
export interface SocketCursor {
  /** how often the buffer has wrapped around */
  wrap: Integer;
  /** offset in bytes */
  count: Integer;
}

/** Flags of the last message received or sent. */
export interface SocketFlags {
  /** producer flags, 2 digits */
  producer: Hex;
  /** state flags, 2 digits */
  connection: Hex;
  writer_blocked: boolean;
  urgent_pending: boolean;
  urgent_present: boolean;
  update_requested: boolean;
  failover_validation: boolean;
  done_writing: boolean;
  closed: boolean;
  aborted: boolean;
}

export interface SocketLink {
  role: 'CLNT' | 'SERV';
  /** RDMA device */
  ib_device: string;
  ib_port: Integer;
  /** 2 digits */
  link_id: Hex;
  /** RDMA address in full form */
  gid: string;
  peer_gid: string;
}

export interface SocketDmb {
  /** 8 digits */
  link_group_id: Hex;
  /** 16 digits, as are all that follow */
  gid: Hex;
  token: Hex;
  peer_gid: Hex;
  peer_token: Hex;
  /** second half of a 128-bit GID; null before Linux 6.8 */
  ext_gid: Hex | null;
  peer_ext_gid: Hex | null;
}
