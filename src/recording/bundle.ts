// SPDX-License-Identifier: MIT
/**
 * What smc_dbg collects, and `--from` shows: a directory, or an archive that holds one.
 *
 *     manifest.json   what this is, what was collected and what could not be
 *     netlink.jsonl   what the kernel answered (see recording.ts)
 *     host/           copies of files below /proc, /sys, …
 *
 * and the output of commands as text and JSON, which is for people and not read again.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Transport } from '../netlink/transport.ts';
import { SmcError } from '../smc/error.ts';
import { named } from './named-failure.ts';
import { player } from './player.ts';
import { parseRecording } from './recording.ts';

export const BUNDLE_FORMAT = 'smc-tools-bundle';
export const BUNDLE_VERSION = 1;
export const MANIFEST = 'manifest.json';
export const RECORDING = 'netlink.jsonl';
export const HOST = 'host';

/** A recorded system, in place of the one that a program runs on. */
export interface RecordedSystem {
  transport: Transport;
  /** root of the recorded /proc and /sys */
  hostRoot: string;
  /** when it was made; `undefined` if the bundle does not tell */
  created: Date | undefined;
  /** removes what was unpacked */
  close: () => void;
}

/**
 * Opens a bundle. It may come from anybody, and its links may lead anywhere: a directory that somebody else can change, or
 * that has more in it than it should, is read from a private copy.
 * @param path a bundle, packed or not
 * @param onSlow called with what has been done so far, once, if the copy takes more than two seconds
 * @throws SmcError INVALID, NOT_FOUND
 */
export async function openBundle(
  path: string,
  onSlow: (text: string) => void = () => {},
): Promise<RecordedSystem> {
  const { directory, close } = await directoryOf(path, onSlow);
  try {
    const created = checkManifest(path, directory);
    const text = textOf(join(directory, RECORDING));
    return { transport: player(parseRecording(text)), hostRoot: join(directory, HOST), created, close };
  } catch (cause) {
    close();
    if (cause instanceof SmcError || isUnreadable(cause)) throw cause;
    throw new SmcError('INVALID', `${path} cannot be used: ${RECORDING} is missing or damaged`, { cause });
  }
}

/** @throws Node's own error, which names the file */
const textOf = (file: string): string => named(file, () => readFileSync(file, 'utf8'));

/** Whether a file is there, but not for us: what is in it is not known. */
function isUnreadable(error: unknown): boolean {
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  return syscall !== undefined && !['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'].includes(code);
}

async function directoryOf(
  path: string,
  onSlow: (text: string) => void,
): Promise<{ directory: string; close: () => void }> {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new SmcError('NOT_FOUND', `there is no bundle ${path}`, { cause });
    throw cause;
  }
  const { Bounds, copyTree, isSafeInPlace, TreeError } = await import('./untrusted-tree.ts');
  try {
    if (isDirectory) {
      if (isSafeInPlace(path, isRead, new Bounds(onSlow)))
        return { directory: resolve(path), close: () => {} };
      const { directory, remove } = copyTree(path, isRead, new Bounds(onSlow));
      return { directory, close: remove };
    }
    const { unpack } = await import('./archive.ts');
    // everything is in one directory, as it should be in an archive
    const isWanted = (inside: string): boolean => isRead(inside.replace(/^(?:\.\/)*[^/]*\/?/, ''));
    const { directory, remove } = await unpack(path, isWanted, onSlow);
    const [only, ...others] = readdirSync(directory);
    return { directory: only && others.length === 0 ? join(directory, only) : directory, close: remove };
  } catch (cause) {
    if (!(cause instanceof TreeError)) throw cause;
    throw new SmcError('INVALID', `${path} cannot be used: ${cause.message}`, { cause });
  }
}

/** The rest is for people. @param path in the bundle */
const isRead = (path: string): boolean => ['', MANIFEST, RECORDING, HOST].includes(path.split('/')[0]!);

/** Bytes; that of a large machine has some thousand. */
const MANIFEST_LIMIT = 4 << 20;

/** @returns when the bundle was made */
function checkManifest(path: string, directory: string): Date | undefined {
  let manifest: { format?: unknown; version?: unknown; created?: unknown } = {};
  try {
    if (statSync(join(directory, MANIFEST)).size <= MANIFEST_LIMIT)
      manifest = JSON.parse(textOf(join(directory, MANIFEST))) ?? {};
  } catch (error) {
    if (isUnreadable(error)) throw error;
    // reported below as not a bundle
  }
  if (manifest.format !== BUNDLE_FORMAT)
    throw new SmcError('INVALID', `${path} is not a bundle made by smc_dbg`, {
      hint: 'smc_dbg --tgz creates one',
    });
  if (manifest.version !== BUNDLE_VERSION)
    throw new SmcError('INVALID', `${path} has a format that this version does not know`, {
      hint: 'use the version of smc-tools that made it, or a newer one',
    });
  const created = new Date(typeof manifest.created === 'string' ? manifest.created : Number.NaN);
  return Number.isNaN(created.getTime()) ? undefined : created;
}
