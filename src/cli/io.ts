// SPDX-License-Identifier: MIT
/** The streams of a command, and what it needs to know about them. Tests use streams in memory. */
import { fstatSync, writeSync } from 'node:fs';

export interface Io {
  /** Standard output, buffered. */
  write(text: string): void;
  /** Writes out everything that is buffered. */
  flush(): void;
  /** Writes one line to standard error, after everything written so far. */
  error(line: string): void;
  /** standard output is a terminal */
  readonly isTerminal: boolean;
  /** width of that terminal in characters; 0 when it does not know, `undefined` when there is none */
  readonly columns?: number | undefined;
  /** and its height */
  readonly rows?: number | undefined;
  /** Calls a function whenever that terminal gets another size. @returns a function that ends this */
  onResize?(listener: () => void): () => void;
  /** standard error is a terminal */
  readonly errorIsTerminal?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The reader of standard output has closed the pipe. This is not a failure; the command ends. */
export class BrokenPipeError extends Error {}
BrokenPipeError.prototype.name = 'BrokenPipeError';

const BUFFER_SIZE = 65_536;
const RETRY_MS = 2;

/**
 * Writes everything, and waits for a slow reader. It is synchronous on purpose: `process.stdout` would keep the backlog of
 * a slow pipe in memory, lose it at `process.exit()`, and takes milliseconds to load. While we wait, the kernel pauses its
 * dump.
 */
function writeAll(fd: number, data: Uint8Array): void {
  for (let rest = data; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new BrokenPipeError();
      if (code !== 'EAGAIN') throw Object.assign(error as Error, { path: 'standard output' });
      // a parent process made the pipe non-blocking
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/** Whether a descriptor is a terminal. Loads node:tty, which is slow, only if it may be one. */
function isTerminal(fd: number, isatty: () => boolean): boolean {
  try {
    const stats = fstatSync(fd);
    const NULL_DEVICE = 0x103; // major 1, minor 3
    return stats.isCharacterDevice() && stats.rdev !== NULL_DEVICE && isatty();
  } catch {
    return false;
  }
}

/** The streams of this process. */
export function processIo(): Io {
  // texts become bytes when they come: a long text in one piece, and new memory for its bytes, take most of the time
  const encoder = new TextEncoder();
  const pending = new Uint8Array(2 * BUFFER_SIZE);
  let used = 0;
  const io: Io = {
    write(text) {
      for (let rest = text; rest !== ''; ) {
        const { read, written } = encoder.encodeInto(rest, pending.subarray(used));
        used += written;
        rest = rest.slice(read);
        if (rest !== '' || used >= BUFFER_SIZE) io.flush();
      }
    },
    flush() {
      const data = pending.subarray(0, used);
      used = 0;
      writeAll(1, data);
    },
    error(line) {
      io.flush();
      try {
        writeAll(2, Buffer.from(`${line}\n`));
      } catch {
        // standard error is closed, so the message is lost
      }
    },
    isTerminal: isTerminal(1, () => process.stdout.isTTY === true),
    get columns() {
      return io.isTerminal ? process.stdout.columns : undefined;
    },
    get rows() {
      return io.isTerminal ? process.stdout.rows : undefined;
    },
    onResize(listener) {
      process.stdout.on('resize', listener);
      return () => process.stdout.off('resize', listener);
    },
    get errorIsTerminal() {
      return isTerminal(2, () => process.stderr.isTTY === true);
    },
    env: process.env,
  };
  return io;
}
