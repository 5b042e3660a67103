// SPDX-License-Identifier: MIT
/** What the page of smc_exporter shows. */
import type { Hex, Integer, Reason, Time, UnknownNumber } from './values.ts';

/**
 * What the page shows: a message of `/events` is one such document.
 * @title smc_exporter --page
 */
export interface OverviewDocument {
  /** when this was read; for a bundle, when that was made */
  time: Time;
  /** whether it is from a bundle, which shows one moment and therefore no rates */
  recorded: boolean;
  /** the host */
  host: {
    /** name that SMC tells its peers, or null */
    name: string | null;
    /** release of the kernel, or null */
    kernel: string | null;
    /** whether it is the initial network namespace; null if that is not known */
    initial_namespace: boolean | null;
  };
  /** whether SMC works here */
  verdict: {
    /** the answer in a word; `unused` if it could, but no connection was made */
    state: 'works' | 'partly' | 'fails' | 'unused' | 'unknown';
    /** the answer in a sentence */
    sentence: string;
  };
  /** sockets that are open at this moment; null if they cannot be listed */
  sockets: OpenSockets | null;
  /** connections that were made lately; null if there was no reading before this one */
  recent: RecentConnections | null;
  /** connections that were made since the counts began; null if the kernel does not count them */
  counted: CountedConnections | null;
  /** traffic between the last two readings; null if there was no reading before this one */
  traffic: Traffic | null;
  /** one object for each reason, the one of most connections first */
  fallbacks: FallbackRow[];
  /** one object for each link group */
  link_groups: LinkGroupRow[];
  /** one object for each device, or for each port of an RDMA device */
  devices: DeviceRow[];
  /** results of the system check that are not `pass`, the worst first; null if it was not run */
  findings: OverviewFinding[] | null;
  /** the connections with most traffic, or some of them if there are no rates */
  connections: ConnectionRow[];
  /** what could not be read */
  unseen: UnseenPart[];
}

/** Numbers of connections by what they run over. */
export interface CountsByMode {
  /** connections over SMC-R */
  smcr: Integer;
  /** connections over SMC-D */
  smcd: Integer;
  /** connections that fell back to TCP */
  tcp: Integer;
}

export interface OpenSockets extends CountsByMode {
  /** sockets that listen */
  listening: Integer;
  /** all sockets, those without a connection included */
  total: Integer;
  /** false if sockets may be missing or counted twice, because the table changed while it was read */
  complete: boolean;
}

export interface RecentConnections extends CountsByMode {
  /** how long they were counted, at most an hour */
  seconds: number;
}

export interface CountedConnections extends CountsByMode {
  /** since when, in words */
  since: string;
  /** handshakes that failed, and their connections with them */
  handshake_errors: Integer;
  /** bytes, by technology and direction */
  smcr_rx_bytes: Integer;
  smcr_tx_bytes: Integer;
  smcd_rx_bytes: Integer;
  smcd_tx_bytes: Integer;
}

export interface Traffic {
  /** how long it was measured */
  seconds: number;
  /** bytes in a second, by technology and direction */
  smcr_rx_bytes_per_second: number;
  smcr_tx_bytes_per_second: number;
  smcd_rx_bytes_per_second: number;
  smcd_tx_bytes_per_second: number;
}

/** A reason why connections are TCP. */
export interface FallbackRow extends Reason {
  /** what to do about it; null for an unknown code */
  remedy: string | null;
  /** open connections with this reason; null if the sockets cannot be listed */
  open: Integer | null;
  /** those of `recent` */
  recent: Integer | null;
  /** those of `counted` as a client and as a server; null if the kernel does not count them */
  client: Integer | null;
  server: Integer | null;
}

export interface LinkGroupRow {
  /** what its connections run over */
  technology: 'SMC-R' | 'SMC-D';
  /** ID of the link group, 8 digits */
  link_group_id: Hex;
  /** role of this host; null for SMC-D */
  role: 'SERV' | 'CLNT' | null;
  /** type of the group; null for SMC-D */
  type: 'NONE' | 'SINGLE' | 'SYM' | 'ASYMP' | 'ASYML' | UnknownNumber | null;
  /** version of SMC */
  version: Integer;
  /** host name of the peer; null for version 1 */
  peer_host: string | null;
  /** operating system of the peer; null for version 1 */
  peer_os: 'ZOS' | 'LINUX' | 'AIX' | null;
  /** enterprise ID that both hosts have; null for version 1 */
  eid: string | null;
  /** PNET ID; null if there is none */
  pnet_id: string | null;
  /** number of connections */
  connections: Integer | null;
  /** bytes in its buffers, since Linux 6.12 */
  buffer_bytes: Integer | null;
  /** its links; SMC-D has a single one without a state */
  links: LinkRow[];
}

export interface LinkRow {
  /** number within the group, 2 digits; null for SMC-D */
  link_id: Hex | null;
  /** the device here */
  device: string;
  /** its port; null for SMC-D */
  port: Integer | null;
  /** its interface; null for SMC-D, and if it is in another network namespace */
  interface: string | null;
  /** address of the device here */
  gid: string | null;
  /** address of the device of the peer */
  peer_gid: string | null;
  /** null for SMC-D */
  state: 'LINK_UNUSED' | 'LINK_INACTIVE' | 'LINK_ACTIVATING' | 'LINK_ACTIVE' | UnknownNumber | null;
  /** number of connections */
  connections: Integer | null;
}

export interface DeviceRow {
  /** what it is for */
  technology: 'SMC-R' | 'SMC-D';
  /** name of the device */
  name: string;
  /** port of an RDMA device */
  port: Integer | null;
  /** interface of the port; null if it is in another network namespace */
  interface: string | null;
  /** state of the port; null for SMC-D */
  state: 'ACTIVE' | 'INACTIVE' | UnknownNumber | null;
  /** rate of the port in the words of the kernel, or null */
  rate: string | null;
  /** whether the kernel emulates it in software */
  software: boolean;
  /** PNET ID; null if there is none */
  pnet_id: string | null;
  /** links over the port, or link groups over an ISM device; null if that is not known */
  used_by: Integer | null;
}

export interface OverviewFinding {
  /** name of the check; see smc_chk(8) */
  id: string;
  /** what was looked at, or null */
  subject: string | null;
  /** how serious it is */
  status: 'fail' | 'warning' | 'unknown';
  /** what was found */
  finding: string;
  /** why that matters, or null */
  reason: string | null;
  /** command that fixes it, or null */
  fix: string | null;
}

export interface ConnectionRow {
  /** address and port on this host */
  local: string;
  /** address and port of the peer */
  peer: string;
  /** what it runs over */
  mode: 'SMCR' | 'SMCD' | 'TCP';
  /** state of the socket, as smcss(8) shows it */
  state: string;
  /** why it is TCP; null unless `mode` is TCP */
  reason: Reason | null;
  /** bytes received in a second; null if it cannot be told */
  rx_bytes_per_second: number | null;
  /** bytes sent in a second; null if it cannot be told */
  tx_bytes_per_second: number | null;
  /** share of the receive buffer with data that no program has read yet, 0 to 1; null if it cannot be told */
  rx_buffer_fill: number | null;
  /** the processes that have it; empty if none is known */
  owners: OwnerRow[];
}

export interface OwnerRow {
  /** name of the command; null if the process has ended meanwhile */
  command: string | null;
  /** number of the process */
  pid: Integer;
  /** unit of systemd, or null */
  unit: string | null;
}

export interface UnseenPart {
  /** what it is, in a few words */
  part: string;
  /** why it could not be read */
  why: string;
}
