// SPDX-License-Identifier: MIT
/** Archives (.tgz) from untrusted sources. */
import { closeSync, mkdtempSync, openSync, readSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { create, type ReadEntry, UnpackSync } from 'tar';
import { inDirectory } from './safe-directory.ts';

/** Why an archive is not unpacked: one sentence without the path. */
export class ArchiveError extends Error {}
ArchiveError.prototype.name = 'ArchiveError';

/** Far more than a bundle of a large machine needs; protects against archives that fill the disk. */
const LIMITS = { files: 200_000, bytes: 256 << 20 };

/**
 * Unpacks into a new directory of mode 0700 in the directory for temporary files.
 * @param isWanted called with the path of each entry
 * @returns the directory, and a function that removes it
 * @throws ArchiveError; Node's own error
 */
export function unpack(
  file: string,
  isWanted: (path: string) => boolean = () => true,
): { directory: string; remove: () => void } {
  const data = uncompressed(readLimited(file));
  const directory = mkdtempSync(join(tmpdir(), 'smc-tools-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const links: string[] = [];
  let files = 0;
  try {
    new UnpackSync({
      cwd: directory,
      strict: true,
      preserveOwner: false,
      filter: (path, entry) => {
        files += 1;
        if (files > LIMITS.files) throw new ArchiveError('it is too large');
        if (!isWanted(path) || !isHarmless(path, entry as ReadEntry)) return false;
        if ((entry as ReadEntry).type === 'SymbolicLink') links.push(path);
        return true;
      },
    }).end(data);
    removeEscapes(directory, links);
    return { directory, remove };
  } catch (error) {
    remove();
    const { code } = error as NodeJS.ErrnoException;
    // other errors come from what is in the archive; their names mean nothing to the user
    if (error instanceof ArchiveError || (code && OUR_TROUBLE.includes(code))) throw error;
    throw new ArchiveError(DAMAGED);
  }
}

const DAMAGED = 'it is not a gzip-compressed tar archive, or it is damaged';

/** Errors of the disk, not of the archive. */
const OUR_TROUBLE: readonly string[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'];

/** A pipe or a device may be endless. */
function readLimited(file: string): Buffer {
  const chunks: Buffer[] = [];
  const fd = openSync(file, 'r');
  try {
    for (let bytes = 0; ; ) {
      const chunk = Buffer.alloc(1 << 20);
      const length = readSync(fd, chunk);
      if (length === 0) return Buffer.concat(chunks);
      bytes += length;
      if (bytes > LIMITS.bytes) throw new ArchiveError('it is too large');
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}

/** @throws ArchiveError */
function uncompressed(data: Buffer): Buffer {
  if (data[0] !== 0x1f || data[1] !== 0x8b) return data;
  try {
    return gunzipSync(data, { maxOutputLength: LIMITS.bytes });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new ArchiveError(isTooLarge ? 'it is too large' : DAMAGED);
  }
}

/**
 * Links through other links may lead outside even if each of them looks as if it stayed inside. realpathSync has the same
 * weakness, because it removes "name/.." from paths. So the kernel is asked.
 */
function removeEscapes(directory: string, links: readonly string[]): void {
  const inside = `${realpathSync.native(directory)}/`;
  for (const link of links) {
    const path = join(directory, link);
    try {
      if (`${realpathSync.native(path)}/`.startsWith(inside)) continue;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue; // the target of the link was not copied
    }
    rmSync(path, { force: true });
  }
}

/** Directories, files, and links that stay inside. A recorded tree contains nothing else. */
function isHarmless(path: string, entry: ReadEntry): boolean {
  if (entry.type === 'Directory' || entry.type === 'File') return true;
  const target = entry.linkpath ?? '/';
  const isInside = !target.startsWith('/') && !normalize(join(path, '..', target)).startsWith('..');
  return entry.type === 'SymbolicLink' && isInside;
}

/**
 * Packs a directory.
 * @param name of the directory in the archive
 */
export function pack(directory: string, name: string): Buffer {
  const archive = create({ cwd: directory, gzip: true, sync: true, portable: true, prefix: name }, ['.']);
  const chunks: Buffer[] = [];
  for (let chunk = archive.read(); chunk !== null; chunk = archive.read()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * Writes a file of mode 0600 atomically: nobody sees a part of it, even if the process is killed.
 * @throws UntrustedError; Node's own error
 */
export function writePrivately(path: string, data: Buffer): void {
  inDirectory(dirname(path), {}, (directory) => directory.replace(basename(path), data, { mode: 0o600 }));
}
