// SPDX-License-Identifier: MIT
/** Archives (.tgz) whose contents may come from anybody. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { create, extract, type ReadEntry } from 'tar';

/** An archive that is not unpacked: one sentence without the path. */
export class ArchiveError extends Error {}
ArchiveError.prototype.name = 'ArchiveError';

/** Far more than a bundle of a large machine; against archives that are made to fill the disk. */
const LIMITS = { files: 200_000, bytes: 1 << 30 };

/**
 * Unpacks into a new directory of mode 0700 in the directory for temporary files.
 * @param isWanted called with the path of each entry
 * @returns the directory, and what removes it
 * @throws ArchiveError; Node's own error
 */
export function unpack(
  file: string,
  isWanted: (path: string) => boolean = () => true,
): { directory: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'smc-tools-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  let files = 0;
  let bytes = 0;
  try {
    extract({
      file,
      cwd: directory,
      sync: true,
      strict: true,
      preserveOwner: false,
      filter: (path, entry) => {
        files += 1;
        bytes += entry.size;
        if (files > LIMITS.files || bytes > LIMITS.bytes) throw new ArchiveError('it is too large');
        return isWanted(path) && isHarmless(path, entry as ReadEntry);
      },
    });
    return { directory, remove };
  } catch (error) {
    remove();
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof ArchiveError || (code && syscall)) throw error;
    throw new ArchiveError('it is no gzip compressed tar archive, or it is damaged');
  }
}

/** Directories, files, and links that stay inside: everything else has no business in a recorded tree. */
function isHarmless(path: string, entry: ReadEntry): boolean {
  if (entry.type === 'Directory' || entry.type === 'File') return true;
  const target = entry.linkpath ?? '/';
  const isInside = !target.startsWith('/') && !normalize(join(path, '..', target)).startsWith('..');
  return entry.type === 'SymbolicLink' && isInside;
}

/**
 * Packs a directory.
 * @param name what the directory is called in the archive
 */
export function pack(directory: string, name: string): Buffer {
  const archive = create({ cwd: directory, gzip: true, sync: true, portable: true, prefix: name }, ['.']);
  const chunks: Buffer[] = [];
  for (let chunk = archive.read(); chunk !== null; chunk = archive.read()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * Writes a file of mode 0600 as a whole: nobody sees a part of it, whatever happens meanwhile.
 * @throws Node's own error
 */
export function writePrivately(path: string, data: Buffer): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}`);
  let fd: number;
  try {
    fd = openSync(temporary, 'wx', 0o600);
  } catch (error) {
    // the name that the caller knows
    throw Object.assign(error as NodeJS.ErrnoException, { path });
  }
  try {
    try {
      writeFileSync(fd, data);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
