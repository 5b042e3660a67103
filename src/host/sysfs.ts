// SPDX-License-Identifier: MIT
/** Small readers of sysfs and procfs files; what does not exist is `undefined` or empty, never an error. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Names in a directory, sorted by character code; empty when there is no such directory. */
export function entries(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** Contents of a file without blanks and line ends around it; `undefined` when it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined; // it does not exist, or the kernel has no value (EINVAL)
  }
}

/** A decimal or 0x… number in a file; `undefined` when it cannot be read or is not a number. */
export function readNumber(path: string): number | undefined {
  const text = readText(path);
  const value = text ? Number(text) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}

/** Last part of the target of a symbolic link; `undefined` when there is no such link. */
export function linkName(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch {
    return undefined;
  }
}
