// SPDX-License-Identifier: MIT
/** Files of a host that must exist. If its tree is a copy, errors name the path as it is on the host. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Contents of a file. @param path below the root; @throws Node's own error, with the absolute path on the host */
export function readHostFile(path: string, root: string): string {
  return atPath(path, root, (file) => readFileSync(file, 'latin1'));
}

/**
 * Does something with a file of a host.
 * @param path below the root: "proc/meminfo"
 * @param act is called with the path of the file below the root
 * @throws what `act` throws; the path in errors of Node is that on the host
 */
export function atPath<T>(path: string, root: string, act: (file: string) => T): T {
  const file = join(root, path);
  try {
    return act(file);
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    // errors of reading, unlike those of opening, have no path
    const there = `/${path}`;
    if (failure.syscall !== undefined) failure.path = there;
    failure.message = failure.message?.replace(file, there);
    throw error;
  }
}
