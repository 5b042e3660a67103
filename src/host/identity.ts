// SPDX-License-Identifier: MIT
/** What identifies this boot, network namespace and machine. */
import { readlinkSync } from 'node:fs';
import { atPath, readHostFile } from './host-file.ts';

/** Random ID of this boot of the kernel, a UUID. @throws Node's own error when it cannot be read */
export function bootId(root: string): string {
  return readHostFile('proc/sys/kernel/random/boot_id', root).trim();
}

/** Inode of the caller's network namespace; unique while the namespace lives. @throws Node's own error */
export function networkNamespace(root: string): string {
  return /\d+/.exec(atPath('proc/self/ns/net', root, (link) => readlinkSync(link)))?.[0] ?? 'unknown';
}

/** The machine ID, 32 hexadecimal digits (machine-id(5)). @throws Node's own error when it cannot be read */
export function machineId(root: string): string {
  return readHostFile('etc/machine-id', root).trim();
}
