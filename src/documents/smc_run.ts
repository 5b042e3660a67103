// SPDX-License-Identifier: MIT
import type { Integer, Reason } from './values.ts';

/**
 * What became of the sockets of a program.
 * @title smc_run
 */
export interface RunDocument {
  event: 'report';
  /** the program as it was called */
  command: string;
  /** as-is: nothing was converted */
  way: 'preload' | 'seccomp' | 'as-is';
  /** exit status; null after a signal */
  status: Integer | null;
  /** number of the signal that ended it */
  signal: Integer | null;
  /** false: the numbers are the least that there was */
  observed: boolean;
  /** what --require-smc makes of it */
  all_smc: boolean;
  /** opened as SMC, and those that became TCP */
  sockets: { smc: Integer; tcp: Integer };
  /** why SMC sockets could not be opened */
  refused: { errno: string; count: Integer }[];
  /** connections by what they ran over */
  totals: { smcr: Integer; smcd: Integer; tcp: Integer; unknown: Integer };
  connections: RunOutcome[];
}

/** Connections of one command with one outcome. */
export interface RunOutcome {
  /** name of the process */
  command: string;
  /** null: nobody could look in time */
  mode: 'SMCR' | 'SMCD' | 'TCP' | null;
  /** why it is TCP */
  reason: Reason | null;
  /** what the peer says about it */
  peer_diagnosis: Reason | null;
  count: Integer;
}
