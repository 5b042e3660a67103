// SPDX-License-Identifier: MIT
/** What tells this boot, network namespace and machine from others. */
import { readFileSync, readlinkSync } from 'node:fs';

/** Random id of this boot of the kernel, a UUID. @throws Node's own error when it cannot be read */
export function bootId(root = '/'): string {
  return readFileSync(`${root}/proc/sys/kernel/random/boot_id`, 'latin1').trim();
}

/** Inode of the caller's network namespace; unique while the namespace lives. @throws Node's own error */
export function networkNamespace(root = '/'): string {
  return /\d+/.exec(readlinkSync(`${root}/proc/self/ns/net`))?.[0] ?? 'unknown';
}

/** The machine id, 32 hexadecimal digits (machine-id(5)). @throws Node's own error when it cannot be read */
export function machineId(root = '/'): string {
  return readFileSync(`${root}/etc/machine-id`, 'latin1').trim();
}
