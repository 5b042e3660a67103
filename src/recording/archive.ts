// SPDX-License-Identifier: MIT
/** Archives (.tgz) from untrusted sources. */
import { createReadStream } from 'node:fs';
import { basename, dirname } from 'node:path';
import { createGunzip } from 'node:zlib';
import { create } from 'tar';
import { inDirectory } from '../host/safe-directory.ts';
import { withPath } from './named-failure.ts';
import { type TarEntry, TarError, tarEntries } from './tar.ts';
import { Bounds, LIMITS, namesOf, PrivateTree, TreeError } from './untrusted-tree.ts';

/**
 * Unpacks into a private directory, after a look at all that is in the archive.
 * @param isWanted called with the path of each entry
 * @param onSlow called with what has been done so far, once, if it takes more than two seconds
 * @returns the directory, and a function that removes it
 * @throws TreeError; Node's own error
 */
export async function unpack(
  file: string,
  isWanted: (path: string) => boolean = () => true,
  onSlow: (text: string) => void = () => {},
): Promise<{ directory: string; remove: () => void }> {
  const bounds = new Bounds(onSlow);
  const data = await bytesOf(file, bounds).catch((error) => {
    throw withPath(error, file);
  });
  const wanted = look(data, isWanted, bounds);
  const tree = new PrivateTree();
  try {
    let done = 0;
    for (const { entry, names } of wanted) {
      if (++done % 64 === 0) bounds.clock(`${done} of ${wanted.length} files`);
      if (entry.type === 'directory') tree.addDirectory(names);
      else if (entry.type === 'link') tree.addLink(names, entry.target);
      else tree.addFile(names, data.subarray(entry.offset, entry.offset + entry.size));
    }
    tree.finish();
    return tree;
  } catch (error) {
    tree.remove();
    throw error;
  }
}

const DAMAGED = 'it is not a gzip-compressed tar archive, or it is damaged';

/** Checks everything before anything is made. @throws TreeError */
function look(
  data: Buffer,
  isWanted: (path: string) => boolean,
  bounds: Bounds,
): { entry: TarEntry; names: string[] }[] {
  const wanted: { entry: TarEntry; names: string[] }[] = [];
  try {
    for (const entry of tarEntries(data)) {
      bounds.entry();
      if (entry.type === 'other' || !isWanted(entry.path)) continue;
      const names = namesOf(entry.path);
      if (names.length > 0) wanted.push({ entry, names });
    }
  } catch (error) {
    if (error instanceof TarError) throw new TreeError(DAMAGED, { cause: error });
    throw error;
  }
  return wanted;
}

/** What is read at once; it becomes a thousand times as much at worst. */
const CHUNK = 64 * 1024;

/**
 * The whole archive, uncompressed. A pipe or a device may have no end, and a small file may become a large one.
 * @throws TreeError; Node's own error
 */
async function bytesOf(file: string, bounds: Bounds): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const keep = (chunk: Buffer): void => {
    size += chunk.length;
    if (size <= LIMITS.bytes) chunks.push(chunk);
  };
  let gunzip: Decompressor | undefined;
  let isFirst = true;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK }) as AsyncIterable<Buffer>) {
    if (isFirst && chunk[0] === 0x1f && chunk[1] === 0x8b) gunzip = decompressor(keep);
    isFirst = false;
    if (gunzip) await gunzip.write(chunk);
    else keep(chunk);
    if (size > LIMITS.bytes) throw new TreeError('it is too large');
    bounds.clock(`${Math.ceil(size / 2 ** 20)} MiB read so far`);
  }
  await gunzip?.end();
  if (size > LIMITS.bytes) throw new TreeError('it is too large');
  return Buffer.concat(chunks);
}

interface Decompressor {
  /** Resolves when all that comes of a chunk is out. @throws TreeError */
  write: (chunk: Buffer) => Promise<void>;
  /** @throws TreeError */
  end: () => Promise<void>;
}

function decompressor(keep: (chunk: Buffer) => void): Decompressor {
  const gunzip = createGunzip().on('data', keep);
  // whatever is being waited for fails with it
  const failure = new Promise<never>((_resolve, reject) => {
    gunzip.on('error', (cause) => reject(new TreeError(DAMAGED, { cause })));
  });
  failure.catch(() => {});
  const step = (take: (done: () => void) => void): Promise<void> =>
    Promise.race([failure, new Promise<void>(take)]);
  return {
    write: (chunk) => step((done) => gunzip.write(chunk, (error) => error ?? done())),
    end: () => step((done) => gunzip.on('end', done).end()),
  };
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
  try {
    inDirectory(dirname(path), {}, (directory) => directory.replace(basename(path), data, { mode: 0o600 }));
  } catch (error) {
    // the name that the caller used
    if ((error as NodeJS.ErrnoException).syscall) Object.assign(error as NodeJS.ErrnoException, { path });
    throw error;
  }
}
