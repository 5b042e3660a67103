// SPDX-License-Identifier: MIT
/** Kernel settings below /proc/sys. */
import { writeFileSync } from 'node:fs';
import { atPath, readHostFile } from './host-file.ts';

const path = (name: string): string => `proc/sys/${name.replaceAll('.', '/')}`;

/**
 * @param name with dots, e.g. "net.smc.wmem"
 * @returns `undefined` when the kernel does not have it
 * @throws Node's own error when it cannot be read for another reason
 */
export function readSysctl(name: string, root: string): string | undefined {
  try {
    return readHostFile(path(name), root).trimEnd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws Node's own error: EACCES without privilege, EINVAL for a value that the kernel refuses */
export function writeSysctl(name: string, value: string, root: string): void {
  atPath(path(name), root, (file) => writeFileSync(file, `${value}\n`));
}
