// SPDX-License-Identifier: MIT
/** What smc_chk prints, by what it is asked to do. */
import type { Hex, Integer, Reason } from './values.ts';

/**
 * Checks of this host.
 * @title smc_chk
 */
export interface ChecksDocument {
  checks: CheckRow[];
  /** number of checks with each status */
  summary: { pass: Integer; warning: Integer; fail: Integer; unknown: Integer };
}

export interface CheckRow {
  /** name of the check */
  id: string;
  /** what was checked */
  subject: string | null;
  status: 'pass' | 'warning' | 'fail' | 'unknown';
  finding: string;
  /** why it matters, or why it is not known */
  reason: string | null;
  /** command that fixes it */
  fix: string | null;
  /** values that depend on the check */
  facts: { [name: string]: unknown };
}

/**
 * Test of a connection.
 * @title smc_chk --connect
 */
export interface ConnectionTestDocument {
  /** as given */
  target: { host: string; port: Integer };
  /** addresses that were tried; error is null for the one that was connected */
  addresses: { address: string; error: string | null }[];
  /** null if there is none */
  connection: TestedConnection | null;
  /** why there is no connection */
  error: TestError | null;
}

export interface TestError {
  text: string;
  hint: string;
}

export interface TestedConnection {
  role: 'CLNT' | 'SERV';
  local: TestedEnd;
  peer: TestedEnd;
  mode: 'SMCR' | 'SMCD' | 'TCP';
  /** of SMC */
  version: Integer | null;
  release: Integer | null;
  /** null for SMC-D */
  ib_device: string | null;
  ib_port: Integer | null;
  gid: string | null;
  peer_gid: string | null;
  link_group_id: Hex | null;
  /** enterprise ID that both hosts have */
  eid: string | null;
  /** of the link group */
  pnet_id: string | null;
  peer_host: string | null;
  /** of this side */
  reason: Reason | null;
  /** what the peer sent */
  peer_diagnosis: Reason | null;
  /** the one that explains the connection */
  cause: Reason | null;
  declined_by: 'local' | 'peer' | 'nobody' | null;
  likely_cause: { at: 'local' | 'peer' | null; text: string; fix: string | null } | null;
  /** checks that were made to find the cause */
  checks: CheckRow[];
}

export interface TestedEnd {
  address: string;
  port: Integer;
}

/**
 * A line that the server prints.
 * @title smc_chk --server
 */
export type ServerEvent = ServerStarted | ServerConnection;

export interface ServerStarted {
  event: 'started';
  port: Integer;
}

export interface ServerConnection extends TestedConnection {
  event: 'connection';
  error: null;
}

/**
 * What interfaces are set up for, and the results of tests on them.
 * @title smc_chk --interfaces
 */
export interface InterfaceTestsDocument {
  interfaces: InterfaceTestRow[];
}

export interface InterfaceTestRow {
  interface: string;
  /** null without --static-analysis */
  static: InterfaceAnalysis | null;
  /** null without --live-test, or if there is none */
  connection: TestedConnection | null;
  error: TestError | null;
}

export interface InterfaceAnalysis {
  /** devices */
  smcd_v1: string[];
  smcd_v2: string[];
  smcd_v1_reason: string;
  smcd_v2_reason: string;
  pnet_id: string | null;
  pnet_id_source: string;
  /** enterprise ID of the machine */
  seid: string | null;
  ueids: string[];
  /** null for any */
  subnets: string[] | null;
}

/**
 * PNET ID of an interface.
 * @title smc_chk --pnetid
 */
export interface InterfacePnetIdDocument {
  interface: string;
  pnet_id: string | null;
  source: 'hardware' | 'table' | 'base-table' | 'none' | 'unknown';
}

/**
 * Reason codes.
 * @title smc_chk --explain
 */
export interface ReasonsDocument {
  reasons: ExplainedReason[];
}

export interface ExplainedReason {
  /** @pattern ^0x[0-9a-f]{8}$ */
  code: string;
  /** null for an unknown code, as are the fields that follow */
  name: string | null;
  meaning: string | null;
  side: 'client' | 'server' | 'either' | 'peer' | 'nobody' | null;
  causes: string[];
  fixes: string[];
}
