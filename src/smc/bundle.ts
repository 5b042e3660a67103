// SPDX-License-Identifier: MIT
/**
 * What smc_dbg collects, and `--from` shows: a directory, or an archive that holds one.
 *
 *     manifest.json   what this is, what was collected and what could not be
 *     netlink.jsonl   what the kernel answered (see netlink/recording.ts)
 *     host/           copies of files below /proc, /sys, …
 *
 * and the output of commands as text and JSON, which is for people and not read again.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseRecording, snapshotTransport } from '../netlink/recording.ts';
import type { Transport } from '../netlink/transport.ts';
import { SmcError } from './error.ts';

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
  /** removes what was unpacked */
  close: () => void;
}

/**
 * @param path a bundle, packed or not
 * @throws SmcError INVALID, NOT_FOUND
 */
export async function openBundle(path: string): Promise<RecordedSystem> {
  const { directory, close } = await directoryOf(path);
  try {
    checkManifest(path, directory);
    const text = readFileSync(join(directory, RECORDING), 'utf8');
    return { transport: snapshotTransport(parseRecording(text)), hostRoot: resolve(directory, HOST), close };
  } catch (cause) {
    close();
    if (cause instanceof SmcError) throw cause;
    throw new SmcError('INVALID', `${path} cannot be used: ${RECORDING} is missing or damaged`, { cause });
  }
}

async function directoryOf(path: string): Promise<{ directory: string; close: () => void }> {
  try {
    if (statSync(path).isDirectory()) return { directory: path, close: () => {} };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new SmcError('NOT_FOUND', `there is no bundle ${path}`, { cause });
    throw cause;
  }
  const { ArchiveError, unpack } = await import('../host/archive.ts');
  try {
    const { directory, remove } = unpack(path, isRead);
    // everything is in one directory, as it should be in an archive
    const [only, ...others] = readdirSync(directory);
    return { directory: only && others.length === 0 ? join(directory, only) : directory, close: remove };
  } catch (cause) {
    if (!(cause instanceof ArchiveError)) throw cause;
    throw new SmcError('INVALID', `${path} cannot be used: ${cause.message}`, { cause });
  }
}

/** The rest is for people. */
function isRead(path: string): boolean {
  const [, name = ''] = path.replace(/^\.\//, '').split('/');
  return ['', MANIFEST, RECORDING, HOST].includes(name);
}

function checkManifest(path: string, directory: string): void {
  let manifest: { format?: unknown; version?: unknown } = {};
  try {
    manifest = JSON.parse(readFileSync(join(directory, MANIFEST), 'utf8')) ?? {};
  } catch {
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
}
