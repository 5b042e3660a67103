// SPDX-License-Identifier: MIT
/** Copies what tells whose sockets are, so that SocketOwners finds the same in a bundle. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BundleMissing } from '../documents/smc_dbg.ts';
import { descriptorLine, SocketOwners } from '../host/socket-owners.ts';

/** A bundle may have a bounded number of files (untrusted-tree.ts), and four are made for each process. */
const MOST_PROCESSES = 10_000;

/**
 * Of processes that hold one of these sockets, the descriptors of them, the command and the control group.
 * @param from root of the system
 * @param write is given paths below that root
 * @returns what is missing
 */
export function copyOwners(
  from: string,
  inodes: Iterable<number>,
  write: (file: string, data: string | Uint8Array) => void,
  most = MOST_PROCESSES,
): BundleMissing[] {
  let owners: SocketOwners;
  try {
    owners = new SocketOwners(from);
  } catch (error) {
    return [{ what: 'owners of sockets', reason: (error as NodeJS.ErrnoException).code ?? String(error) }];
  }
  const descriptors = new Map<number, string>();
  let unknown = 0;
  let left = 0;
  for (const inode of inodes) {
    if (inode === 0) continue;
    const holders = owners.holdersOf(inode);
    if (holders.length === 0) unknown++;
    for (const { pid, fd } of holders) {
      const known = descriptors.get(pid);
      if (known === undefined && descriptors.size >= most) left++;
      else descriptors.set(pid, (known ?? '') + descriptorLine(fd, inode));
    }
  }
  for (const [pid, lines] of descriptors) {
    write(`proc/${pid}/fd`, lines);
    for (const file of ['comm', 'cgroup'])
      try {
        write(`proc/${pid}/${file}`, readFileSync(join(from, `proc/${pid}`, file)));
      } catch {
        // it has ended
      }
  }
  const { unreadable } = owners;
  return [
    ...(unknown > 0 && unreadable > 0
      ? [{ what: `owners of ${unknown} sockets`, reason: `EACCES for ${unreadable} processes` }]
      : []),
    ...(left > 0 ? [{ what: `${left} descriptors of sockets`, reason: `more than ${most} processes` }] : []),
  ];
}
