// SPDX-License-Identifier: MIT
/** Types of build.mjs, which is plain JavaScript so that an installed package can run it. */

export interface BuildOptions {
  outDir?: string;
  cc?: string;
  extraFlags?: string[];
  /** For programs only. */
  programFlags?: string[];
  log?: (line: string) => void;
}

export interface BuildResult {
  /** Paths of the files written. */
  built: string[];
  /** Paths of the files that were up to date. */
  skipped: string[];
  missingCompiler: boolean;
}

export const commonFlags: string[];
export const targets: {
  output: string;
  sources: string[];
  flags: string[];
  needsNodeHeaders?: boolean;
  narrow?: boolean;
}[];
export function placeStarters(start: string, directory: string, commands: string[]): void;
export function buildNative(options?: BuildOptions): Promise<BuildResult>;
