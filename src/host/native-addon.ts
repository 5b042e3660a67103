// SPDX-License-Identifier: MIT
/** The native addon: system calls that Node does not offer. See native/README.md. */
import { createRequire } from 'node:module';
import { nativeFile } from './package-files.ts';
import type { InheritedState } from './process-state.ts';

export interface NativeAddon {
  /**
   * Moves the main thread to the network namespace of a file, and mounts a /sys of that namespace in a mount namespace of
   * its own. Threads that are started later are there, too; threads that are already running stay behind.
   * @throws Node-like error with code, and with syscall "open", "setns", "unshare" or "mount"
   */
  enterNetworkNamespace(file: string): void;
  /**
   * Moves the main thread to the network namespace of a file, and changes nothing else.
   * @throws Node-like error with code, and with syscall "open" or "setns"
   */
  setNetworkNamespace(file: string): void;
  /**
   * Locks an open file for this process alone, as long as the descriptor is open: flock(2).
   * @param waits whether to wait for another process that has the lock; nothing else runs meanwhile
   * @returns false when another process has it
   * @throws Node-like error with code
   */
  lockFile(fd: number, waits: boolean): boolean;
  /** Index of an interface in the network namespace of the main thread; 0 if there is none of that name. */
  interfaceIndex(name: string): number;
  /**
   * Number of the network namespace of the main thread, as tracepoints write it.
   * @throws Node-like error with code; "ENOPROTOOPT" before Linux 5.14
   */
  networkNamespaceCookie(): bigint;
  /**
   * Opens a file system of the kernel without mounting it anywhere.
   * @returns a descriptor of its root; its files are below /proc/self/fd/N, and it is gone once that is closed
   * @throws Node-like error with code, and with syscall "fsopen", "fsconfig" or "fsmount"
   */
  openFileSystem(type: string): number;
  /**
   * Becomes another program. `state` has the settings that Node has overwritten; they are restored first.
   * @throws Node-like error with code, when the program cannot be executed
   */
  execve(
    file: string | Buffer,
    argv: (string | Buffer)[],
    environment: (string | Buffer)[],
    state: InheritedState,
  ): never;
  /**
   * Reads an extended attribute; null if the file or its file system does not have it.
   * @throws Node-like error with code
   */
  getxattr(file: string | Buffer, name: string): Uint8Array | null;
}

/**
 * Loads a native file. The build has the npm package netlink load its own by this, too.
 * @throws Node's own error when it is missing or cannot be loaded
 */
export const loadNative = (name: string): unknown => createRequire(import.meta.url)(nativeFile(name));

/** @throws Node's own error when the addon is missing or cannot be loaded */
export const loadAddon = (): NativeAddon => loadNative('smc-native.node') as NativeAddon;
