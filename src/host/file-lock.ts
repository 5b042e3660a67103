// SPDX-License-Identifier: MIT
/**
 * A lock between processes of one user. It is held by an open file (flock(2)), so it ends with the process, even by
 * SIGKILL, and no lock is ever left behind. The file stays: whoever removed it would let two processes lock two files.
 */
import { closeSync } from 'node:fs';
import type { NativeAddon } from './native-addon.ts';
import { inDirectory } from './safe-directory.ts';

/**
 * Does something while no other process does the same.
 * @param directory private to the user; it is made if it does not exist
 * @param onWait called before waiting for another process
 * @throws UntrustedError; Node's own error
 */
export async function withFileLock<T>(
  { lockFile }: Pick<NativeAddon, 'lockFile'>,
  directory: string,
  name: string,
  onWait: () => void,
  body: () => Promise<T>,
): Promise<T> {
  const fd = inDirectory(directory, { isPrivate: true, make: 0o700 }, (place) =>
    place.openFile(name, true, 0o600),
  );
  if (typeof fd !== 'number')
    throw Object.assign(new Error('a link'), {
      code: 'ELOOP',
      syscall: 'open',
      path: `${directory}/${name}`,
    });
  try {
    if (!lockFile(fd, false)) {
      onWait();
      lockFile(fd, true);
    }
    return await body();
  } finally {
    closeSync(fd);
  }
}
