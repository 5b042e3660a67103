// SPDX-License-Identifier: MIT
import type { Integer, Reason } from './values.ts';

/**
 * What became of the sockets of a program.
 * @title smc_run
 */
export interface RunReportDocument {
  event: 'report';
  /** name of the program */
  command: string;
  /** how sockets were converted */
  way: string;
  /** exit status; null if a signal ended the program */
  status: Integer | null;
  signal: Integer | null;
  /** false: nobody watched to the end, so the numbers are the least that there was */
  observed: boolean;
  /** every connection was SMC */
  all_smc: boolean;
  sockets: { smc: Integer; tcp: Integer };
  /** why sockets stayed TCP, or were not opened */
  refused: { errno: string; count: Integer }[];
  /** connections */
  totals: { smcr: Integer; smcd: Integer; tcp: Integer; unknown: Integer };
  /** by command and outcome */
  connections: RunConnections[];
}

export interface RunConnections {
  command: string;
  /** null for unknown */
  mode: 'SMCR' | 'SMCD' | 'TCP' | null;
  reason: Reason | null;
  peer_diagnosis: Reason | null;
  count: Integer;
}
