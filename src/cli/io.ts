// SPDX-License-Identifier: MIT
/** The streams of a command, with all it needs to know of them; the tests have one in memory. */
import { fstatSync, writeSync } from 'node:fs';

export interface Io {
  /** Standard output, buffered. */
  write(text: string): void;
  /** Hands everything buffered to the system. */
  flush(): void;
  /** One line on standard error, behind what was written so far. */
  error(line: string): void;
  /** standard output is a terminal */
  readonly isTerminal: boolean;
  /** width of that terminal in characters */
  readonly columns?: number | undefined;
  /** standard error is a terminal */
  readonly errorIsTerminal?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The reader of standard output has gone: not a failure, the command just ends. */
export class BrokenPipeError extends Error {}
BrokenPipeError.prototype.name = 'BrokenPipeError';

const BUFFER_SIZE = 65_536;
const RETRY_MS = 2;

/**
 * Writes everything, waiting for a slow reader. Deliberately synchronous: `process.stdout` would take a slow pipe's
 * backlog into memory, cut it off at `process.exit()`, and costs milliseconds to load. While we wait the kernel
 * holds its dump.
 */
function writeAll(fd: number, text: string): void {
  let data = Buffer.from(text, 'utf8');
  while (data.length > 0) {
    try {
      data = data.subarray(writeSync(fd, data));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new BrokenPipeError();
      if (code !== 'EAGAIN') throw error;
      // a parent made the pipe non-blocking
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/** Whether a descriptor is a terminal; asks node:tty (slow to load) only when it can be one. */
function isTerminal(fd: number, isatty: () => boolean): boolean {
  try {
    const stats = fstatSync(fd);
    const NULL_DEVICE = 0x103; // major 1, minor 3
    return stats.isCharacterDevice() && stats.rdev !== NULL_DEVICE && isatty();
  } catch {
    return false;
  }
}

/** The process's own streams. */
export function processIo(): Io {
  let pending = '';
  const io: Io = {
    write(text) {
      pending += text;
      if (pending.length >= BUFFER_SIZE) io.flush();
    },
    flush() {
      const text = pending;
      pending = '';
      if (text) writeAll(1, text);
    },
    error(line) {
      io.flush();
      try {
        writeAll(2, `${line}\n`);
      } catch {
        // nobody is left to tell
      }
    },
    isTerminal: isTerminal(1, () => process.stdout.isTTY === true),
    get columns() {
      return io.isTerminal ? process.stdout.columns : undefined;
    },
    get errorIsTerminal() {
      return isTerminal(2, () => process.stderr.isTTY === true);
    },
    env: process.env,
  };
  return io;
}
