// SPDX-License-Identifier: MIT
/**
 * Small private files in which a command keeps something between two runs.
 *
 * The directory belongs to the user who runs the command. Nobody else can write to it or replace it, so nobody else can
 * plant, lock or redirect a file. A file is written under another name and then renamed. So readers see either the old
 * file or the new one, two simultaneous writers leave the file of one of them, and nobody ever waits.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Why a state file or its directory is not used: one sentence without the path. */
export class UntrustedError extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}
UntrustedError.prototype.name = 'UntrustedError';

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
  root = '/',
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
  const path = join(directory, name);
  let fd: number;
  try {
    checkDirectory(directory);
    // O_NONBLOCK, so that a FIFO does not block us
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    // ENOTDIR: system users have a home like /dev/null
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ELOOP' && syscall === 'open') throw new UntrustedError(path, 'it is a symbolic link');
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new UntrustedError(path, 'it is not a regular file');
    checkOwner(path, stats);
    if (stats.nlink !== 1) throw new UntrustedError(path, 'it has more than one hard link');
    if (stats.size > SIZE_LIMIT) throw new UntrustedError(path, 'it is too large');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes a file of mode 0600, and makes the directory (mode 0700) if it does not exist.
 * @throws UntrustedError; Node's own error
 */
export function writeStateFile(directory: string, name: string, content: string): void {
  checkAncestors(directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  checkDirectory(directory);
  // nobody else can write here, so the name must be new but need not be secret
  const temporary = join(directory, `.${name}.${process.pid}.${process.hrtime.bigint()}`);
  const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, join(directory, name));
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
}

function checkDirectory(directory: string): void {
  const stats = lstatSync(directory);
  if (!stats.isDirectory()) throw new UntrustedError(directory, 'it is not a directory');
  checkOwner(directory, stats);
  checkAncestors(directory);
}

const EVERYBODY_CAN_WRITE = 0o002;
const STICKY = 0o1000;

/**
 * The owner of a directory above can replace what is in it, and so redirect root to any file. So all directories of the
 * path, both as written and after resolving symbolic links, must belong to us or to the system. Write permission for the
 * group is accepted, because home directories with a private group of the user have it.
 */
function checkAncestors(directory: string): void {
  const owners = [process.geteuid?.(), 0, lstatSync('/').uid];
  const written = upwards(dirname(directory));
  const nearest = written.find((path) => lstatSync(path, { throwIfNoEntry: false })) ?? '/';
  for (const path of new Set([...written, ...upwards(realpathSync(nearest))])) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (!stats) continue; // does not exist yet
    if (!owners.includes(stats.uid)) throw new UntrustedError(path, 'it belongs to another user');
    if (stats.isDirectory() && stats.mode & EVERYBODY_CAN_WRITE && !(stats.mode & STICKY))
      throw new UntrustedError(path, 'everybody can write to it');
  }
}

/** A path and all directories above it. */
function upwards(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...upwards(parent)];
}

const OTHERS_CAN_WRITE = 0o022;

function checkOwner(path: string, stats: Stats): void {
  if (stats.uid !== process.geteuid?.()) throw new UntrustedError(path, 'it belongs to another user');
  if (stats.mode & OTHERS_CAN_WRITE) throw new UntrustedError(path, 'others can write to it');
}
