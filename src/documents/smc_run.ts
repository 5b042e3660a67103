// SPDX-License-Identifier: MIT
/** What smc_run prints, by what it is asked to do. */
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

/**
 * What was changed, or would be, to have a service run over SMC or no longer.
 * @title smc_run --enable
 */
export interface ServiceChangeDocument {
  /** name of the unit, that of an alias resolved */
  unit: string;
  action: 'enable' | 'disable';
  dry_run: boolean;
  /** false: nothing was to do, or it is a dry run */
  changed: boolean;
  /** null for disable */
  way: 'preload' | 'seccomp' | 'postgresql' | null;
  /** settings in the drop-in; none for disable */
  lines: DropInLine[];
  /** what may keep the service from SMC nevertheless */
  remarks: string[];
  /** files that differ, the drop-in first */
  files: FileChange[];
  /** whether systemd has read its units again; null: nothing was changed */
  reload: 'done' | 'needed' | null;
}

export interface DropInLine {
  text: string;
  /** why it is there */
  reason: string;
}

/** Content of a file; null: there is no file. */
export interface FileChange {
  path: string;
  before: string | null;
  after: string | null;
}

/**
 * Services that are enabled, or the one that was asked for.
 * @title smc_run --status
 */
export interface ServicesDocument {
  services: ServiceRow[];
}

export interface ServiceRow {
  unit: string;
  /** there is a drop-in */
  enabled: boolean;
  /** path of the drop-in */
  file: string | null;
  /** changed: by hand since it was made; foreign: not made by smc_run; null: there is no file */
  seal: 'intact' | 'changed' | 'foreign' | null;
  way: 'preload' | 'seccomp' | 'postgresql' | null;
  /** the unit is there, and not masked */
  exists: boolean;
  /** null: it does not run */
  processes: { all: Integer; converted: Integer } | null;
}
