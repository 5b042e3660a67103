// SPDX-License-Identifier: MIT
/** The kernel's log. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { atPath } from './host-file.ts';

export interface KernelMessage {
  /** 0 emergency … 7 debug */
  level: number;
  /** seconds since boot */
  seconds: number;
  text: string;
}

/** Longer than any record of the kernel (CONSOLE_EXT_LOG_MAX). */
const RECORD_SIZE = 8192;

/**
 * Reads everything that is still in /dev/kmsg. If kernel.dmesg_restrict is set, this requires CAP_SYSLOG.
 * @throws Node's own error: EPERM or EACCES without privilege, ENOENT in a container
 */
export function readKernelLog(root: string): KernelMessage[] {
  const fd = atPath('dev/kmsg', root, (file) => openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const records: Buffer[] = [];
    const buffer = Buffer.alloc(RECORD_SIZE);
    for (;;) {
      const length = readRecord(fd, buffer);
      if (length === 0) break;
      if (length > 0) records.push(Buffer.from(buffer.subarray(0, length)));
    }
    return Buffer.concat(records)
      .toString('utf8')
      .split('\n')
      .flatMap((line) => parse(line) ?? []);
  } finally {
    closeSync(fd);
  }
}

/** @returns bytes; 0 at the end, -1 for a record that was overwritten meanwhile */
function readRecord(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return 0;
    if (code === 'EPIPE') return -1;
    throw error;
  }
}

/** `priority,sequence,microseconds,flags;text`; lines that begin with a blank belong to the record before them. */
function parse(line: string): KernelMessage | undefined {
  const [, priority, microseconds, text] = /^(\d+),\d+,(\d+),[^;]*;(.*)$/.exec(line) ?? [];
  if (priority === undefined || text === undefined) return undefined;
  return { level: Number(priority) & 7, seconds: Number(microseconds) / 1e6, text };
}
