// SPDX-License-Identifier: MIT
import { readlinkSync } from 'node:fs';

/**
 * Inode of a socket of this process, which identifies it in the kernel's socket tables.
 * @returns `undefined` when the descriptor is closed or not a socket
 */
export function socketInode(fd: number): bigint | undefined {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
    return inode === undefined ? undefined : BigInt(inode);
  } catch {
    return undefined;
  }
}
