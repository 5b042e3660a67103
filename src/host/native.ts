// SPDX-License-Identifier: MIT
/** The functions of the native addon: system calls that Node does not offer. */
import { createRequire } from 'node:module';
import { nativeFile } from './package-files.ts';
import type { InheritedState } from './process-state.ts';

export interface Native {
  /** Becomes another program, see native/exec.c. */
  execve(
    file: string | Buffer,
    argv: (string | Buffer)[],
    environment: (string | Buffer)[],
    state: InheritedState,
  ): never;
  /**
   * An extended attribute, null where the file or its file system has none of that name.
   * @throws an error with `code`, as those of node:fs
   */
  getxattr(file: string | Buffer, name: string): Uint8Array | null;
}

/** @throws Node's error when the addon is missing, damaged, or made for another machine */
export function loadNative(): Native {
  return createRequire(import.meta.url)(nativeFile('smc-native.node')) as Native;
}
