// SPDX-License-Identifier: MIT
/** What the parts of a plan share. */
import type { PreloadLibrary } from '../../smc/native-parts.ts';

/** A line of the drop-in, and the reason for it, in a clause. */
export interface Line {
  reason: string;
  text: string;
}

/** What makes a service run over SMC. */
export interface Plan {
  way: 'preload' | 'seccomp' | 'postgresql';
  lines: Line[];
  /** what the drop-in cannot change */
  remarks: string[];
  /** another file that gets a block of ours, with its content before (without ours) and after */
  environmentFile: { path: string; before: string; after: string } | null;
}

/** What the plan depends on besides the unit. */
export interface ServiceHost {
  /** root of all files */
  root: string;
  libraries: readonly PreloadLibrary[];
  /** path of smc-launch */
  launcher: string;
  /** why the seccomp way is closed here, in a clause */
  noSeccomp: string | null;
  /** the kernel has IPPROTO_SMC */
  hasInetSmc: boolean;
  /** systemd has AF_SMC among the address families that RestrictAddressFamilies= can name */
  knowsAfSmc: boolean;
  getxattr?: (file: Buffer, name: string) => Uint8Array | null;
}

/** One command of an ExecStart= line. */
export interface Command {
  /** special characters in front of the program */
  prefix: string;
  /** program and arguments; with the prefix @ the second word is the name that the program is to see */
  argv: string[];
  /** the arguments after the program (and after its name), as written */
  rest: string;
  name: string | undefined;
}
