// SPDX-License-Identifier: MIT
/** Failures of files as the user knows them: Node tells no path where it only has a descriptor, or the path of that. */

/** Runs something with a file, which a failure then names. @throws Node's own error */
export function named<T>(path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw withPath(error, path);
  }
}

/** The same for a failure that is there already; others than of system calls stay as they are. */
export function withPath(error: unknown, path: string): unknown {
  const failure = error as NodeJS.ErrnoException;
  if (failure.syscall && (failure.path ?? '/proc/self/fd/').startsWith('/proc/self/fd/')) failure.path = path;
  return error;
}
