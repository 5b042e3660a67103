// SPDX-License-Identifier: MIT
/** What smc_run prints, by what it is asked to do. */
import type { Integer, Reason } from './values.ts';

/**
 * What happened to the sockets of a program.
 * @title smc_run
 */
export interface RunDocument {
  event: 'report';
  /** the program as it was given */
  command: string;
  /** as-is: no socket was converted */
  way: 'preload' | 'seccomp' | 'as-is';
  /** exit status; null after a signal */
  status: Integer | null;
  /** number of the signal that ended it */
  signal: Integer | null;
  /** false: the numbers are minimums; there may have been more */
  observed: boolean;
  /** result of --require-smc */
  all_smc: boolean;
  /** sockets that were opened as SMC, and those that became TCP */
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
  /** null: could not be determined in time */
  mode: 'SMCR' | 'SMCD' | 'TCP' | null;
  /** why the connection is TCP */
  reason: Reason | null;
  /** reason that the peer reported */
  peer_diagnosis: Reason | null;
  count: Integer;
}

/**
 * What was changed, or would be changed, to make a service run over SMC, or to undo this.
 * @title smc_run --enable
 */
export interface ServiceChangeDocument {
  /** name of the unit, with an alias resolved */
  unit: string;
  action: 'enable' | 'disable';
  dry_run: boolean;
  /** false: there was nothing to do, or this is a dry run */
  changed: boolean;
  /** null for disable */
  way: 'preload' | 'seccomp' | 'postgresql' | null;
  /** settings in the drop-in; none for disable */
  lines: DropInLine[];
  /** what may still prevent the service from using SMC */
  remarks: string[];
  /** files that differ, the drop-in first */
  files: FileChange[];
  /** whether systemd has reloaded its units; null: nothing was changed */
  reload: 'done' | 'needed' | null;
}

export interface DropInLine {
  text: string;
  /** why the setting is there */
  reason: string;
}

/** Content of a file; null: there is no file. */
export interface FileChange {
  path: string;
  before: string | null;
  after: string | null;
}

/**
 * Services that are enabled, or the requested one.
 * @title smc_run --status
 */
export interface ServicesDocument {
  services: ServiceRow[];
}

export interface ServiceRow {
  unit: string;
  /** whether there is a drop-in */
  enabled: boolean;
  /** path of the drop-in */
  file: string | null;
  /** changed: edited since smc_run made it; foreign: not made by smc_run; null: there is no file */
  seal: 'intact' | 'changed' | 'foreign' | null;
  way: 'preload' | 'seccomp' | 'postgresql' | null;
  /** the unit exists and is not masked */
  exists: boolean;
  /** null: the service is not running */
  processes: { all: Integer; converted: Integer } | null;
}
