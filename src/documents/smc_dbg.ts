// SPDX-License-Identifier: MIT
/** Output of `smc_dbg -j`. */

/**
 * What has been collected from the host.
 * @title smc_dbg
 */
export interface SmcDbgDocument {
  /** name of the archive file; null without an archive */
  archive: string | null;
  /** the contents of `manifest.json`, without its fields `format` and `version` */
  manifest: BundleManifest;
  /** the documents of the commands, by name; null with an archive, which contains them */
  documents: Record<string, unknown> | null;
}

/** What a bundle is, and what is missing in it. */
export interface BundleManifest {
  /** version of the suite */
  suite_version: string;
  /** time of collection in ISO 8601 format */
  created: string;
  /** whether `--redact` was given */
  redacted: boolean;
  /** kernel and architecture of the host; null if not known */
  kernel: string | null;
  architecture: string | null;
  /** byte order of the recorded replies */
  byte_order: 'LE' | 'BE';
  /** whether it was collected by root */
  root: boolean;
  /** output of commands */
  parts: BundlePart[];
  /** what could not be collected */
  missing: BundleMissing[];
}

/** The output of one command. */
export interface BundlePart {
  /** path in the bundle */
  file: string;
  /** the command and its options */
  command: string[];
  /** its exit status */
  status: number;
  /** its lines on standard error */
  messages: string[];
}

/** What could not be collected. */
export interface BundleMissing {
  /** a file, a command or a part */
  what: string;
  /** why */
  reason: string;
}
