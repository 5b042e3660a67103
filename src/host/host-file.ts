// SPDX-License-Identifier: MIT
/** Files of a host whose absence is an error. Where its tree is a copy, errors name the paths as they are on the host. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Contents of a file. @param path absolute, as on the host; @throws Node's own error, with that path */
export function readHostFile(path: string, root = '/'): string {
  return atPath(path, root, (file) => readFileSync(file, 'latin1'));
}

/**
 * Does something with a file of a host.
 * @param path absolute, as on the host
 * @param act gets the place of the file below the root
 * @throws what `act` throws; the path in an error of Node's is that on the host
 */
export function atPath<T>(path: string, root: string, act: (file: string) => T): T {
  const file = join(root, path);
  try {
    return act(file);
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    // one of reading, not of opening, has none
    if (failure.syscall !== undefined) failure.path = path;
    failure.message = failure.message?.replace(file, path);
    throw error;
  }
}
