// SPDX-License-Identifier: MIT
import type { Hex, Integer, Reason, UnknownNumber } from './values.ts';

/**
 * The SMC sockets of the network namespace.
 * @title smcss
 */
export interface SocketsDocument {
  /** one object for each socket */
  sockets: SocketRow[];
  /**
   * false if sockets may be missing or listed twice, because the table changed while it was read or an error occurred
   */
  complete: boolean;
  /** what failed; present only after a failure */
  error?: string;
}

/** A socket. */
export interface SocketRow {
  /** as in the column State */
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
  /** inode of the socket, up to 64 bits */
  inode: Integer;
  /** address family; null if unknown */
  family: 'ipv4' | 'ipv6' | null;
  /** the end on this host */
  local: SocketEnd;
  /** the other end; null for a listening socket */
  peer: SocketEnd | null;
  /** index of the interface that the socket is bound to, or null */
  interface: Integer | null;
  /** what the connection runs over; null without a connection */
  mode: 'SMCR' | 'SMCD' | 'TCP' | null;
  /** why the connection is TCP; null unless `mode` is TCP */
  fallback: {
    /** reason on this side */
    reason: Reason;
    /** reason that the peer gave, or null */
    peer_diagnosis: Reason | null;
  } | null;
  /** the sides that are shut down */
  shutdown: {
    /** whether that side is shut down */
    receive: boolean;
    send: boolean;
  };
  /** the columns of `-d`; null if there is no SMC connection */
  connection: SocketConnection | null;
  /** the columns of `-R`; null if it is not an SMC-R connection */
  link: SocketLink | null;
  /** the columns of `-D`; null if it is not an SMC-D connection */
  dmb: SocketDmb | null;
  /** 16 digits, unique to each socket */
  cookie: Hex;
  /**
   * whether a process holds the socket; `not accepted` if the connection waits for a program to accept it, `closed` if no
   * program has it any more, `unknown` if the process was not found; present with `-p`
   */
  ownership?: 'held' | 'not accepted' | 'closed' | 'unknown';
  /**
   * how fast the connection moves data; null for what is no SMC connection, and for one that was not there at first; present
   * with `-i`
   */
  rates?: SocketRates | null;
  /** the processes that hold the socket, with one object for each descriptor; present with `-p` */
  owners?: SocketOwner[];
  /** the network namespace that the socket is in; present with `-A` */
  netns?: SocketNamespace;
  /** what is known from earlier lists; present with `--watch` */
  watched?: SocketWatched;
}

/** What is known of a socket from several lists. */
export interface SocketWatched {
  /** time from the first list that had it to the last */
  seconds: number;
  /** it was not in the list before the first one that had it, so it began between the two */
  from_start: boolean;
  /** bytes received, all of them if it is `from_start`, otherwise since it was first met; null if it cannot be told */
  rx_bytes: Integer | null;
  /** bytes sent, likewise */
  tx_bytes: Integer | null;
  /**
   * what is different from the list before: it is new, its state, mode, reasons or inode changed, or it is gone; null for nothing
   */
  change: 'new' | 'changed' | 'gone' | null;
}

export interface SocketNamespace {
  /** name that ip-netns(8) shows, or null */
  name: string | null;
  /** container of the first process in it, if it has no name */
  container: ProcessContainer | null;
  /** inode of the namespace, unique on this host */
  inode: Integer;
}

export interface SocketOwner {
  /** name of the command, at most 15 bytes; null if the process has ended meanwhile */
  command: string | null;
  /** number of the process */
  pid: Integer;
  /** descriptor of the socket in it */
  fd: Integer;
  /** unit of systemd, the innermost one */
  unit: string | null;
  /** container that the process runs in */
  container: ProcessContainer | null;
}

export interface ProcessContainer {
  /** what runs it; `cri` is a runtime of Kubernetes that is not known */
  runtime: 'docker' | 'podman' | 'containerd' | 'cri-o' | 'cri' | 'lxc' | 'systemd-nspawn';
  /** 64 digits, or the name for LXC and systemd-nspawn */
  id: string;
}

/** The traffic of a connection. */
export interface SocketRates {
  /** how long it was measured */
  seconds: number;
  /** bytes received in a second; null if it cannot be told */
  rx_bytes_per_second: Integer | null;
  /** bytes sent in a second; null if it cannot be told */
  tx_bytes_per_second: Integer | null;
  /** share of the receive buffer with data that no program has read yet, 0 to 1 */
  rx_buffer_fill: number;
  /** share of the three lists in which the peer waited for room in the buffer here, 0 to 1 */
  rx_writer_blocked: number;
  /** share of the three lists in which this side waited for room in the buffer of the peer, 0 to 1 */
  tx_writer_blocked: number;
}

export interface SocketEnd {
  /** IP address in full; null if unknown */
  address: string | null;
  /** TCP port */
  port: Integer;
}

export interface SocketConnection {
  /** token of the connection, 8 digits */
  token: Hex;
  /** size of the buffer in bytes */
  sndbuf_bytes: Integer;
  rcvbuf_bytes: Integer;
  peerbuf_bytes: Integer;
  /** producer and consumer cursor of the receive side */
  rx_prod: SocketCursor;
  rx_cons: SocketCursor;
  /** flags of the last message received */
  rx_flags: SocketFlags;
  /** producer and consumer cursor of the send side */
  tx_prod: SocketCursor;
  tx_cons: SocketCursor;
  /** flags of the last message sent */
  tx_flags: SocketFlags;
  /** cursors of what is prepared, sent and finished */
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
  /** producer flags 80, 40 and 20 */
  writer_blocked: boolean;
  urgent_pending: boolean;
  urgent_present: boolean;
  /** producer flags 10 and 08 */
  update_requested: boolean;
  failover_validation: boolean;
  /** state flags 80, 40 and 20 */
  done_writing: boolean;
  closed: boolean;
  aborted: boolean;
}

export interface SocketLink {
  /** role of this side */
  role: 'CLNT' | 'SERV';
  /** RDMA device */
  ib_device: string;
  /** its port */
  ib_port: Integer;
  /** number of the link within its group, 2 digits */
  link_id: Hex;
  /** RDMA address of either side, in full */
  gid: string;
  peer_gid: string;
}

export interface SocketDmb {
  /** link group, 8 digits */
  link_group_id: Hex;
  /** GID and token of either side, 16 digits each */
  gid: Hex;
  token: Hex;
  peer_gid: Hex;
  peer_token: Hex;
  /** second half of a 128-bit GID, 16 digits; null before Linux 6.8 */
  ext_gid: Hex | null;
  peer_ext_gid: Hex | null;
}

/**
 * The SMC sockets at one time. Each list is a document, in one line.
 * @title smcss --watch
 */
export interface SocketWatchDocument {
  /** one object for each socket that is selected, in the order of `--sort` */
  sockets: SocketRow[];
  /** those of the list before that are not there any more, as they were */
  gone: SocketRow[];
  /** when the list began, in UTC, as in ISO 8601 */
  time: string;
  /** sums of the rates of these sockets */
  rates: SocketGroupRates;
  /** false if sockets may be missing or listed twice, because the table changed while it was read */
  complete: boolean;
}

/**
 * Counts of the sockets of the network namespace.
 * @title smcss --summary
 */
export interface SocketSummaryDocument {
  /** all sockets */
  sockets: Integer;
  /** one object for each state that occurs */
  states: SocketStateCount[];
  /** sockets that are connections: all but those in the states INIT and LISTEN */
  connections: Integer;
  /** those of them that use SMC-R */
  smcr: Integer;
  /** those of them that use SMC-D */
  smcd: Integer;
  /** those of them that fell back to TCP */
  tcp: Integer;
  /** one object for each reason, the most frequent first */
  fallbacks: SocketReasonCount[];
  /** the ten addresses of peers with most connections and most fallbacks */
  peers: SocketRanking;
  /** the same for ports of services, those of the end that is the server */
  ports: SocketRanking;
  /** the same for commands of processes that hold the sockets */
  commands: SocketRanking;
  /** false if sockets may be missing or counted twice, because the table changed while it was read */
  complete: boolean;
}

export interface SocketStateCount {
  /** as in the column State */
  state: SocketRow['state'];
  /** sockets in that state that use SMC-R */
  smcr: Integer;
  /** that use SMC-D */
  smcd: Integer;
  /** that fell back to TCP */
  tcp: Integer;
  /** that have no connection */
  none: Integer;
  /** all of them */
  total: Integer;
}

export interface SocketReasonCount {
  /** the reason, found on either side */
  reason: Reason;
  /** connections of which this host is the client */
  client: Integer;
  /** connections of which it is the server */
  server: Integer;
  /** those of both kinds that the peer declined for this reason */
  declined_by_peer: Integer;
}

export interface SocketRanking {
  /** at most ten, the largest number first */
  most_connections: SocketGroup[];
  most_fallbacks: SocketGroup[];
}

/** Connections with something in common. */
export interface SocketGroup {
  /** what they have in common; null if they do not have it, or it is not known */
  group: string | null;
  /** their number */
  connections: Integer;
  /** those of them that use SMC-R */
  smcr: Integer;
  /** that use SMC-D */
  smcd: Integer;
  /** that fell back to TCP */
  tcp: Integer;
  /** how fast they move data together; present with `--group-by` and `-i` */
  rates?: SocketGroupRates;
}

export interface SocketGroupRates {
  /** bytes received in a second, without those of `unknown` */
  rx_bytes_per_second: Integer;
  /** bytes sent in a second, likewise */
  tx_bytes_per_second: Integer;
  /** SMC connections that have no rate, or a rate that cannot be told */
  unknown: Integer;
}

/**
 * Numbers of connections by what they have in common.
 * @title smcss --group-by
 */
export interface SocketGroupsDocument {
  /** what that is */
  group_by: 'peer' | 'port' | 'comm' | 'unit' | 'reason' | 'lgr' | 'netns';
  /** one object for each group, the largest first */
  groups: SocketGroup[];
  /** connections that are in no group, because there are more than 100,000 groups */
  uncounted: Integer;
  /** false if sockets may be missing or counted twice, because the table changed while it was read */
  complete: boolean;
}

/**
 * A record of what happens. Each line is one.
 * @title smcss --events
 */
export type SocketEventRecord =
  | EventsStart
  | ConnectionBegan
  | ConnectionChanged
  | ConnectionEnded
  | LinkFailed
  | EventsLost
  | EventsStop;

/** The first record. */
export interface EventsStart {
  event: 'start';
  /** when the output began, in UTC: ISO 8601 with milliseconds */
  time: string;
  /** from one list of the sockets to the next */
  interval_seconds: number;
  /** where records come from; `trace` only for root, since Linux 5.16 */
  sources: ('list' | 'trace')[];
  /** which connections have no records, in words */
  missed: string;
  /** the sockets that were there already, of those that are wanted */
  sockets: Integer;
}

/** What a record tells of a connection. */
export interface EventConnection {
  /** as in the column State, after a change the new one; null if only the trace knows the connection */
  state: SocketRow['state'] | null;
  /** what the connection runs over; null without a connection */
  mode: SocketRow['mode'];
  /** address family; null if unknown */
  family: 'ipv4' | 'ipv6' | null;
  /** the end on this host; null if only the trace knows the connection */
  local: SocketEnd | null;
  /** the other end; null in that case, too, and for a listening socket */
  peer: SocketEnd | null;
  /** which end this host has; null if unknown, or without a connection */
  side: 'client' | 'server' | null;
  /** why the connection is TCP; null unless `mode` is TCP */
  fallback: SocketRow['fallback'];
  /** owner; null if unknown */
  uid: Integer | null;
  /** inode of the socket; null if only the trace knows the connection */
  inode: Integer | null;
  /** 16 digits, unique to each socket; null if only the trace knows the connection */
  cookie: Hex | null;
  /**
   * whether a process holds the socket, as in the list; `traced` if `owners` has the process in which the connection fell
   * back, and `not read` if reading the owners takes too long without `-p`
   */
  ownership: 'held' | 'not accepted' | 'closed' | 'unknown' | 'traced' | 'not read';
  /** the processes that hold the socket, with one object for each descriptor */
  owners: EventOwner[];
  /** the network namespace that the socket is in; present with `-A`, null if it is gone */
  netns?: SocketNamespace | null;
}

export interface EventOwner {
  /** name of the command, at most 15 bytes; null if the process has ended meanwhile */
  command: string | null;
  /** number of the process */
  pid: Integer;
  /** descriptor of the socket in it; null if only the trace knows the process */
  fd: Integer | null;
  /** unit of systemd, the innermost one */
  unit: string | null;
  /** container that the process runs in */
  container: ProcessContainer | null;
}

/** A connection that is there for the first time: one over SMC appeared, or one fell back to TCP. */
export interface ConnectionBegan extends EventConnection {
  event: 'appeared' | 'fallback';
  /** when it happened; if the source is a list, when that was made */
  time: string;
  /** `trace` for a fallback that the kernel has told when it happened */
  source: 'list' | 'trace';
}

/** A socket whose state, mode or reason is another one. */
export interface ConnectionChanged extends EventConnection {
  event: 'changed';
  /** when the list was made that shows it */
  time: string;
  source: 'list';
  /** as it was in the list before */
  previous_state: SocketRow['state'];
  previous_mode: SocketRow['mode'];
}

/** A socket that is there no more, as it was in its last list. */
export interface ConnectionEnded extends EventConnection {
  event: 'ended';
  /** when the list was made that does not have it */
  time: string;
  source: 'list';
  /** when the last list was made that has it */
  last_seen: string;
  /** from the beginning of the connection to `time`; null if it was there at the start */
  lived_seconds: number | null;
  /** bytes received until the last list, of a connection that was there at the start since then; null if unknown, as for TCP */
  rx_bytes: Integer | null;
  /** bytes sent, likewise */
  tx_bytes: Integer | null;
}

/** An RDMA link that failed. */
export interface LinkFailed {
  event: 'link_down';
  /** when it happened */
  time: string;
  source: 'trace';
  /** RDMA device */
  ib_device: string;
  /** the network namespace of its link group; present with `-A`, null if it is gone */
  netns?: SocketNamespace | null;
}

/** Records of the trace that are missing. */
export interface EventsLost {
  event: 'lost';
  /** when that was noticed */
  time: string;
  source: 'trace';
  /**
   * `overflow` if more happened at once than the kernel keeps; `reload` if the module smc was removed and loaded again, and
   * its tracepoints had to be switched on again
   */
  cause: 'overflow' | 'reload';
  /** how many; null if nobody knows, as after a reload, where it can be none */
  count: Integer | null;
}

/** The last record, when a signal ends the output. */
export interface EventsStop {
  event: 'stop';
  /** when it ended */
  time: string;
  /** number of records between this one and the first */
  records: Integer;
}
