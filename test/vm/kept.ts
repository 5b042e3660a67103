import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { oneLine, Problem } from '../../scripts/entry.mjs';
import { buildDirectory } from './cache.ts';
import { report } from './progress.ts';

export const hour = 3600_000;
export const day = 24 * hour;
export const week = 7 * day;

/** Something that the cache has a directory of for each version: how to find the newest, and how to make it. */
export interface Kept {
  /** Its name for people, as `kernel 6.1`. */
  what: string;
  /** The directory that has those of the versions. */
  directory: string;
  /** Part of each directory's name: a change of what the directories hold has them made again. */
  layout: string;
  newest(): Promise<string>;
  build(version: string, directory: string): Promise<void>;
}

/** The directory of a version. */
export function versionDirectory({ directory, layout }: Kept, version: string): string {
  return join(directory, `${version}.${layout}`);
}

/** Whether the cache has that version. */
export function has(kept: Kept, version: string): Promise<boolean> {
  return stat(versionDirectory(kept, version)).then(
    () => true,
    () => false,
  );
}

/** The version that the cache has, or nothing if there is none or if it is time to look for a newer one. */
export async function cached(kept: Kept, maxAge: number): Promise<string | undefined> {
  const current = await readCurrent(kept);
  if (!current || Date.now() - current.checked > maxAge) return undefined;
  return (await has(kept, current.version)) ? current.version : undefined;
}

/**
 * The version that the cache has, made first if there is none or a newer one; for the holder of a lock.
 *
 * @throws Error when there is none and none can be made
 */
export async function refresh(kept: Kept, maxAge: number): Promise<string> {
  const found = await cached(kept, maxAge);
  if (found) return found;
  const current = await readCurrent(kept);
  try {
    const version = await kept.newest();
    if (!(await has(kept, version)))
      await buildDirectory(versionDirectory(kept, version), (directory) => kept.build(version, directory));
    await writeCurrent(kept, { version, checked: Date.now() });
    await dropOld(kept);
    return version;
  } catch (error) {
    const old = current && (await has(kept, current.version)) ? current.version : undefined;
    if (!old) {
      if (error instanceof Problem) throw error;
      throw new Error(`cannot prepare ${kept.what}: ${oneLine(error)}`, { cause: error });
    }
    report(`cannot bring ${kept.what} up to date, so ${old} is used for another day: ${oneLine(error)}`);
    await writeCurrent(kept, { version: old, checked: Date.now() - week + day });
    return old;
  }
}

interface Current {
  version: string;
  /** When it was last known to be the newest: ms since 1970. */
  checked: number;
}

async function readCurrent({ directory }: Kept): Promise<Current | undefined> {
  const content = await readFile(join(directory, 'current.json'), 'utf8').catch(() => undefined);
  try {
    return content === undefined ? undefined : (JSON.parse(content) as Current);
  } catch {
    // a damaged file is as good as none
    return undefined;
  }
}

async function writeCurrent({ directory }: Kept, current: Current): Promise<void> {
  const file = join(directory, 'current.json');
  // Readers do not take the lock, so they must never see half a file.
  await writeFile(`${file}.new`, JSON.stringify(current));
  await rename(`${file}.new`, file);
}

/** Keeps the two newest versions: a guest of another process may still run the one before the current. */
async function dropOld({ directory }: Kept): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true });
  const directories = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name));
  const aged = await Promise.all(
    directories.map(async (path) => ({ path, made: (await stat(path)).mtimeMs })),
  );
  aged.sort((a, b) => b.made - a.made);
  for (const { path } of aged.slice(2)) await rm(path, { recursive: true, force: true });
}
