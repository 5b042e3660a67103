// SPDX-License-Identifier: MIT
/**
 * Small private files in which a command keeps something between two runs.
 *
 * The directory belongs to the user who runs the command. Nobody else can write to it or replace it, so nobody else can
 * plant, lock or redirect a file. A file is written under another name and then renamed. So readers see either the old
 * file or the new one, two simultaneous writers leave the file of one of them, and nobody ever waits.
 */
import { join } from 'node:path';
import { inDirectory, type SafeDirectory } from './safe-directory.ts';
import { UntrustedError } from './untrusted-error.ts';

/** More than any of our files needs; a larger file is not ours. */
const SIZE_LIMIT = 1 << 20;

/**
 * Directory for the state of this suite: `$XDG_STATE_HOME/smc-tools`. If the variable is not set, `/run/smc-tools` for
 * root, who may have no home, and `~/.local/state/smc-tools` for others (XDG Base Directory Specification). It need not
 * exist. The runtime directory is not used: it exists only in sessions, so cron and a login would see different states.
 * @returns `undefined` when there is no such directory
 */
export function stateDirectory(
  env: Readonly<Record<string, string | undefined>>,
  root: string,
  uid = process.geteuid?.() ?? 0,
): string | undefined {
  const base = env['XDG_STATE_HOME'];
  if (base?.startsWith('/')) return join(base, 'smc-tools');
  if (uid === 0) return join(root, 'run', 'smc-tools');
  const home = env['HOME'];
  return home?.startsWith('/') ? join(home, '.local', 'state', 'smc-tools') : undefined;
}

/**
 * @returns `undefined` when there is no file
 * @throws UntrustedError; Node's own error
 */
export function readStateFile(directory: string, name: string): string | undefined {
  try {
    return inDirectory(directory, { isPrivate: true }, (place) => {
      checkOwn(place.path, place.stats);
      const file = place.read(name, SIZE_LIMIT);
      if (!file) return undefined;
      checkOwn(join(directory, name), file.stats);
      if (file.stats.nlink !== 1)
        throw new UntrustedError(join(directory, name), 'it has more than one hard link');
      return file.content.toString('utf8');
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOTDIR: system users have a home like /dev/null
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * Writes a file of mode 0600, and makes the directory (mode 0700) if it does not exist.
 * @throws UntrustedError; Node's own error
 */
export function writeStateFile(directory: string, name: string, content: string): void {
  inDirectory(directory, { isPrivate: true, make: 0o700 }, (place) => {
    checkOwn(place.path, place.stats);
    place.replace(name, content, { mode: 0o600 });
  });
}

const OTHERS_WRITE = 0o022;

function checkOwn(path: string, { uid, mode }: SafeDirectory['stats']): void {
  if (uid !== process.geteuid?.()) throw new UntrustedError(path, 'it belongs to another user');
  if (mode & OTHERS_WRITE) throw new UntrustedError(path, 'others can write to it');
}
