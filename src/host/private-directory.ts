// SPDX-License-Identifier: MIT
/** Directories for temporary files that nobody else can enter or replace. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SafeDirectory } from './safe-directory.ts';

const PREFIX = 'smc-tools-';
/** Identifies our directories: a user may have one with such a name, too. */
const MARKER = '.made-by-smc-tools';
/** No run takes so long. */
const STALE_MS = 24 * 3_600_000;

/**
 * Makes a directory of mode 0700 in the directory for temporary files. If TMPDIR names one that cannot be used, or that
 * somebody else could replace, it is /tmp or /var/tmp. Removes what killed runs of this user left there a day ago or earlier.
 * @returns the directory, and a function that removes it
 * @throws UntrustedError; Node's own error
 */
export function privateDirectory(): { directory: string; remove: () => void } {
  const base = trustedBase();
  removeStale(base);
  const outer = mkdtempSync(join(base, PREFIX));
  const remove = (): void => rmSync(outer, { recursive: true, force: true });
  try {
    writeFileSync(join(outer, MARKER), '');
    const directory = join(outer, 'data');
    mkdirSync(directory, { mode: 0o700 });
    return { directory, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function trustedBase(): string {
  let refusal: unknown;
  for (const base of new Set([tmpdir(), '/tmp', '/var/tmp']))
    try {
      SafeDirectory.open(base, { isPrivate: true }).close();
      return base;
    } catch (error) {
      refusal ??= error;
    }
  throw refusal;
}

/** Only root and we can make such a directory of ours, and nobody else could put anything into it. */
function isStale(path: string, { uid, mode, mtimeMs }: Stats): boolean {
  const isOurs = uid === process.geteuid?.() && (mode & 0o777) === 0o700 && existsSync(join(path, MARKER));
  return isOurs && Date.now() - mtimeMs > STALE_MS;
}

function removeStale(base: string): void {
  for (const name of readdirSync(base)) {
    if (!/^smc-tools-[A-Za-z0-9]{6}$/.test(name)) continue;
    const path = join(base, name);
    try {
      const stats = lstatSync(path);
      if (stats.isDirectory() && isStale(path, stats)) rmSync(path, { recursive: true, force: true });
    } catch {
      // another run may be removing it
    }
  }
}
