// SPDX-License-Identifier: MIT
/** Output of `smc_dbg -j`. */

/**
 * What smc_dbg has collected.
 * @title smc_dbg
 */
export interface SmcDbgDocument {
  /** file of the archive; null without one */
  archive: string | null;
  manifest: BundleManifest;
  /** documents of the commands, by name; null with an archive */
  documents: Record<string, unknown> | null;
}

/** What a bundle is, and what is missing in it. */
export interface BundleManifest {
  suite_version: string;
  /** as in ISO 8601 */
  created: string;
  redacted: boolean;
  /** release of the kernel; null if not known */
  kernel: string | null;
  architecture: string | null;
  /** byte order of the recorded answers */
  byte_order: 'LE' | 'BE';
  /** whether root collected it */
  root: boolean;
  parts: BundlePart[];
  missing: BundleMissing[];
}

/** The output of one command. */
export interface BundlePart {
  /** place in the bundle */
  file: string;
  /** the command and its options */
  command: string[];
  /** exit status */
  status: number;
  /** lines on standard error */
  messages: string[];
}

/** What could not be collected. */
export interface BundleMissing {
  what: string;
  reason: string;
}
