// SPDX-License-Identifier: MIT
/** Memory of the host from /proc. */
import { readHostFile } from './host-file.ts';

export interface Memory {
  /** bytes */
  total: number;
  /** bytes that are available without swapping, as the kernel estimates it */
  available: number;
}

/** @throws Node's own error when /proc/meminfo cannot be read */
export function readMemory(root: string): Memory {
  const text = readHostFile('proc/meminfo', root);
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { total: bytes('MemTotal'), available: bytes('MemAvailable') };
}

/**
 * Numbers of free blocks by size: at index n, blocks of 2ⁿ pages in all zones and nodes together.
 * @throws Node's own error when /proc/buddyinfo cannot be read
 */
export function readFreeBlocks(root: string): number[] {
  const blocks: number[] = [];
  for (const line of readHostFile('proc/buddyinfo', root).split('\n')) {
    const counts = /zone +\S+ +(.*)$/.exec(line)?.[1]?.trim().split(/ +/) ?? [];
    counts.forEach((count, order) => {
      blocks[order] = (blocks[order] ?? 0) + Number(count);
    });
  }
  return blocks;
}

/** Size of a page in bytes, from /proc/self/smaps; 4096 if that cannot be read. */
export function pageSize(root: string): number {
  try {
    const kilobytes = /^KernelPageSize: +(\d+) kB$/m.exec(readHostFile('proc/self/smaps', root))?.[1];
    return kilobytes ? Number(kilobytes) * 1024 : 4096;
  } catch {
    return 4096;
  }
}
