// SPDX-License-Identifier: MIT
/** The native addon: system calls that Node does not offer. See native/README.md. */
import { createRequire } from 'node:module';
import { nativeFile } from './package-files.ts';
import type { InheritedState } from './process-state.ts';

export interface NativeAddon {
  /**
   * Moves the main thread to the network namespace that a file stands for, and gives it a /sys of that namespace in a
   * mount namespace of its own. Threads that are made later are there, too; those that run already stay where they are.
   * @throws Node-like error with code, and with syscall "open", "setns", "unshare" or "mount"
   */
  enterNetworkNamespace(file: string): void;
  /**
   * Becomes another program; `state` is what Node has overwritten, and is put back.
   * @throws Node-like error with code, when that fails
   */
  execve(
    file: string | Buffer,
    argv: (string | Buffer)[],
    environment: (string | Buffer)[],
    state: InheritedState,
  ): never;
  /**
   * An extended attribute; null where the file, or its file system, has none of that name.
   * @throws Node-like error with code
   */
  getxattr(file: string | Buffer, name: string): Uint8Array | null;
}

/** @throws Node's own error when the addon is missing or cannot be loaded */
export function loadAddon(): NativeAddon {
  return createRequire(import.meta.url)(nativeFile('smc-native.node')) as NativeAddon;
}
