// SPDX-License-Identifier: MIT
/** What smc_run prints, by what it is asked to do. */
import type { Integer, Reason } from './values.ts';

/**
 * What happened to the sockets of a program. With `--json` this is one document on standard error; with `--log` as well,
 * it is one line of the log. The log then also has lines whose `event` is `socket`, `connection` or `end`, as things
 * happen: these come from smc-launch, with numbers for errno, reasons and signals.
 * @title smc_run
 */
export interface RunDocument {
  /** what the line of a log is about */
  event: 'report';
  /** the program as it was called */
  command: string;
  /** `preload` or `seccomp`, by which sockets were converted; `as-is` if none was */
  way: 'preload' | 'seccomp' | 'as-is';
  /** exit status; null after a signal */
  status: Integer | null;
  /** number of the signal that ended it */
  signal: Integer | null;
  /** false if smc-launch was not there to the end: then the numbers are minimums */
  observed: boolean;
  /** what `--require-smc` makes of it: whether all was SMC */
  all_smc: boolean;
  /** number of sockets */
  sockets: {
    /** those that were opened as SMC sockets */
    smc: Integer;
    /** those that became TCP sockets */
    tcp: Integer;
  };
  /** why SMC sockets could not be opened */
  refused: {
    /** name of the error, such as EPERM */
    errno: string;
    /** how often it occurred */
    count: Integer;
  }[];
  /** number of connections by what they ran over */
  totals: {
    /** connections over SMC-R, SMC-D and TCP */
    smcr: Integer;
    smcd: Integer;
    tcp: Integer;
    /** those that could not be examined in time */
    unknown: Integer;
  };
  /** connections of one command with one outcome */
  connections: RunOutcome[];
}

/** Connections of one command with one outcome. */
export interface RunOutcome {
  /** name of the process */
  command: string;
  /** what they ran over; null if this could not be determined in time */
  mode: 'SMCR' | 'SMCD' | 'TCP' | null;
  /** why they are TCP, or null */
  reason: Reason | null;
  /** reason that the peer reported, or null */
  peer_diagnosis: Reason | null;
  /** number of connections */
  count: Integer;
}

/**
 * What was changed, or would be changed, to make a service run over SMC with `--enable`, or to undo this with `--disable`.
 * @title smc_run --enable
 */
export interface ServiceChangeDocument {
  /** name of the unit, with an alias resolved */
  unit: string;
  /** what was asked for */
  action: 'enable' | 'disable';
  /** whether `--dry-run` was given */
  dry_run: boolean;
  /** false if there was nothing to do, or `dry_run` is true */
  changed: boolean;
  /** how sockets are converted; null with `--disable` */
  way: 'preload' | 'seccomp' | 'postgresql' | null;
  /** settings in the drop-in; empty with `--disable` */
  lines: DropInLine[];
  /** what may still prevent the service from using SMC */
  remarks: string[];
  /** files that change, the drop-in first */
  files: FileChange[];
  /** `done` if systemd has read its units again; `needed` if it has to be told to; null if nothing was changed */
  reload: 'done' | 'needed' | null;
}

export interface DropInLine {
  /** the setting */
  text: string;
  /** why the setting is there */
  reason: string;
}

/** A file and its content. */
export interface FileChange {
  /** path of the file */
  path: string;
  /** content; null where there is no file */
  before: string | null;
  after: string | null;
}

/**
 * The services that `--enable` has changed, or the one that was named.
 * @title smc_run --status
 */
export interface ServicesDocument {
  /** one object for each service */
  services: ServiceRow[];
}

export interface ServiceRow {
  /** name of the unit */
  unit: string;
  /** whether there is a drop-in */
  enabled: boolean;
  /** path of the drop-in, or null */
  file: string | null;
  /**
   * whether the drop-in is as smc_run made it: `intact`; `changed` if it was edited since; `foreign` if it was not
   * made by smc_run; null if there is none
   */
  seal: 'intact' | 'changed' | 'foreign' | null;
  /** how sockets are converted, or null */
  way: 'preload' | 'seccomp' | 'postgresql' | null;
  /** false if the unit is gone or masked */
  exists: boolean;
  /** processes of the service; null if it does not run */
  processes: {
    /** number of processes */
    all: Integer;
    /** how many of them have their sockets converted */
    converted: Integer;
  } | null;
}
