// SPDX-License-Identifier: MIT
/** Where the kernel's tracing is. */
import { closeSync, statSync } from 'node:fs';

/** The file system tracefs. */
export interface Tracefs {
  /** path of its root */
  directory: string;
  close(): void;
}

/** Where systemd mounts it, and where debugfs has it. */
const MOUNTED: readonly string[] = ['sys/kernel/tracing', 'sys/kernel/debug/tracing'];

const isTracefs = (directory: string): boolean => {
  try {
    return statSync(`${directory}/instances`).isDirectory();
  } catch {
    return false; // not mounted, or not for us
  }
};

/**
 * Finds tracefs. Where it is not mounted, as in a mount namespace of `--netns`, it is opened without mounting it anywhere.
 * @param openFileSystem of the native addon
 * @throws Node-like error with code: EPERM for ordinary users, ENODEV in a kernel without tracing, ENOENT in a copy of a system
 */
export function openTracefs(root: string, openFileSystem: (type: string) => number): Tracefs {
  const directory = MOUNTED.map((path) => `${root}/${path}`).find(isTracefs);
  if (directory !== undefined) return { directory, close() {} };
  if (root !== '/') throw Object.assign(new Error(`no tracefs in ${root}`), { code: 'ENOENT' });
  const fd = openFileSystem('tracefs');
  return { directory: `/proc/self/fd/${fd}`, close: () => closeSync(fd) };
}
