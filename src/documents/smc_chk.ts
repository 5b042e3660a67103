// SPDX-License-Identifier: MIT
/** What smc_chk prints, by what it is asked to do. */
import type { Hex, Integer, Reason } from './values.ts';

/**
 * The checks of this host.
 * @title smc_chk
 */
export interface ChecksDocument {
  /** one object for each check and subject */
  checks: CheckRow[];
  /** number of checks with each status */
  summary: {
    /** checks with this status */
    pass: Integer;
    warning: Integer;
    fail: Integer;
    unknown: Integer;
  };
}

export interface CheckRow {
  /** name of the check; see CHECKS */
  id: string;
  /** what was examined */
  subject: string | null;
  /** result */
  status: 'pass' | 'warning' | 'fail' | 'unknown';
  /** what was found */
  finding: string;
  /** why it matters, or why it is not known */
  reason: string | null;
  /** the command that fixes it */
  fix: string | null;
  /** values that depend on the check; see CHECKS */
  facts: { [name: string]: unknown };
}

/**
 * A test of a connection.
 * @title smc_chk --connect
 */
export interface ConnectionTestDocument {
  /** the destination as it was given */
  target: {
    /** name or address */
    host: string;
    /** TCP port */
    port: Integer;
  };
  /** the addresses that were tried */
  addresses: {
    /** IP address */
    address: string;
    /** what failed; null for the address that was connected */
    error: string | null;
  }[];
  /** null if there is no connection */
  connection: TestedConnection | null;
  /** why there is no connection; null if there is one */
  error: TestError | null;
}

export interface TestError {
  /** what failed */
  text: string;
  /** what to do about it */
  hint: string;
}

export interface TestedConnection {
  /** role of this side */
  role: 'CLNT' | 'SERV';
  /** the two ends */
  local: TestedEnd;
  peer: TestedEnd;
  /** what the connection runs over */
  mode: 'SMCR' | 'SMCD' | 'TCP';
  /** version of SMC, and its release */
  version: Integer | null;
  release: Integer | null;
  /** RDMA device; null for SMC-D */
  ib_device: string | null;
  /** its port; null for SMC-D */
  ib_port: Integer | null;
  /** addresses of the devices */
  gid: string | null;
  peer_gid: string | null;
  /** as smcr(8) and smcd(8) show it, 8 digits */
  link_group_id: Hex | null;
  /** enterprise ID that both hosts have */
  eid: string | null;
  /** PNET ID of the link group */
  pnet_id: string | null;
  /** name of the other host */
  peer_host: string | null;
  /** reason on this side */
  reason: Reason | null;
  /** reason that the peer sent */
  peer_diagnosis: Reason | null;
  /** the one of these that is the actual cause */
  cause: Reason | null;
  /** side that declined SMC */
  declined_by: 'local' | 'peer' | 'nobody' | null;
  /** what probably prevents SMC */
  likely_cause: {
    /** side with the cause; null if it is not known */
    at: 'local' | 'peer' | null;
    /** as in the line Cause */
    text: string;
    /** as in the line Fix */
    fix: string | null;
  } | null;
  /** the checks that were run to find the cause */
  checks: CheckRow[];
}

export interface TestedEnd {
  /** IP address */
  address: string;
  /** TCP port */
  port: Integer;
}

/**
 * An event of the server. Each is a document of its own, on one line.
 * @title smc_chk --server
 */
export type ServerEvent = ServerStarted | ServerConnection;

/** The first event. */
export interface ServerStarted {
  event: 'started';
  /** port that it serves */
  port: Integer;
}

/** An event for each connection. */
export interface ServerConnection extends TestedConnection {
  event: 'connection';
  /** always null */
  error: null;
}

/**
 * What interfaces are set up for with `-s`, and the results of tests on them with `-l`.
 * @title smc_chk --interfaces
 */
export interface InterfaceTestsDocument {
  /** one object for each interface */
  interfaces: InterfaceTestRow[];
}

export interface InterfaceTestRow {
  /** name of the interface */
  interface: string;
  /** what it is set up for; null without `--static-analysis` */
  static: InterfaceAnalysis | null;
  /** null without `--live-test`, or if there is no connection */
  connection: TestedConnection | null;
  /** why there is no connection; null without `--live-test`, or if there is one */
  error: TestError | null;
}

export interface InterfaceAnalysis {
  /** devices that each version of SMC-D would use */
  smcd_v1: string[];
  smcd_v2: string[];
  /** why each version can be used, or why not */
  smcd_v1_reason: string;
  smcd_v2_reason: string;
  /** PNET ID of the interface */
  pnet_id: string | null;
  /** where it is from, as `source` with `-i` */
  pnet_id_source: string;
  /** enterprise ID of the machine; null if it is not offered */
  seid: string | null;
  /** user-defined enterprise IDs */
  ueids: string[];
  /** subnets that can be reached; null if any can be */
  subnets: string[] | null;
}

/**
 * The PNET ID of an interface.
 * @title smc_chk --pnetid
 */
export interface InterfacePnetIdDocument {
  /** name of the interface */
  interface: string;
  /** PNET ID, or null */
  pnet_id: string | null;
  /**
   * where it is from: `hardware`; `table`, an entry for the interface; `base-table`, an entry for the interface at the
   * bottom; `none` if there is none; `unknown` if the table cannot be read
   */
  source: 'hardware' | 'table' | 'base-table' | 'none' | 'unknown';
}

/**
 * What reason codes mean.
 * @title smc_chk --explain
 */
export interface ReasonsDocument {
  /** one object for each code */
  reasons: ExplainedReason[];
}

export interface ExplainedReason {
  /**
   * reason code with the prefix 0x
   * @pattern ^0x[0-9a-f]{8}$
   */
  code: string;
  /** the kernel's name; null for an unknown code */
  name: string | null;
  /** what it means; null for an unknown code */
  meaning: string | null;
  /** side that detects it and declines; null for an unknown code */
  side: 'client' | 'server' | 'either' | 'peer' | 'nobody' | null;
  /** what can be the cause; empty for an unknown code */
  causes: string[];
  /** what to do; empty for an unknown code */
  fixes: string[];
}
