// SPDX-License-Identifier: MIT
/** The text of the file. */
import { closeSync, fstatSync, open, openSync, read, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SmcError } from '../../smc/error.ts';
import { FileError } from './file-error.ts';

/** Stands for standard input. */
export const STANDARD_INPUT = '-';

/** A file of a host with a thousand devices has a fifth of it. */
const SIZE_MAX = 256 * 1024;

const RETRY_MS = 5;

/** What a file is called in messages. */
export const nameInMessages = (file: string): string => (file === STANDARD_INPUT ? 'standard input' : file);

/**
 * Reads a file, or standard input. Threads of libuv wait for a FIFO or a terminal, so that signals are handled meanwhile. A
 * regular file takes none: they cannot be made everywhere.
 * @throws FileError for what is no text; SmcError NOT_FOUND; Node's own error
 */
export async function readSource(file: string): Promise<string> {
  const name = nameInMessages(file);
  const bytes = await readAll(file);
  if (bytes.length > SIZE_MAX)
    throw new FileError(name, [
      {
        line: 1,
        column: 1,
        message: 'the file is too large',
        hint: `it can have ${SIZE_MAX / 1024} KiB`,
      },
    ]);
  const bad = firstBadByte(bytes);
  if (bad) {
    const before = bytes.subarray(0, bad.offset).toString('latin1').split('\n');
    throw new FileError(name, [
      { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message: bad.what, hint: bad.hint },
    ]);
  }
  return new TextDecoder().decode(bytes);
}

/** At most one byte more than is allowed. */
async function readAll(file: string): Promise<Buffer> {
  const fd = file === STANDARD_INPUT ? 0 : await openSource(file);
  try {
    const isFile = fstatSync(fd).isFile();
    const buffer = Buffer.alloc(SIZE_MAX + 1);
    let length = 0;
    while (length < buffer.length) {
      const count = await readSome(fd, isFile, buffer.subarray(length));
      if (count === 0) break;
      length += count;
    }
    return buffer.subarray(0, length);
  } catch (error) {
    // errors of reading, unlike those of opening, have no path
    (error as NodeJS.ErrnoException).path ??= nameInMessages(file);
    throw error;
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

async function openSource(file: string): Promise<number> {
  try {
    return statSync(file).isFile() ? openSync(file, 'r') : await promisify(open)(file, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new SmcError('NOT_FOUND', `there is no file ${file}`, {
      hint: 'smc_conf export prints one with the state of this host',
      cause,
    });
  }
}

async function readSome(fd: number, isFile: boolean, buffer: Buffer): Promise<number> {
  const where = [fd, buffer, 0, buffer.length, null] as const;
  for (;;)
    try {
      return isFile ? readSync(...where) : (await promisify(read)(...where)).bytesRead;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      // a parent process made the pipe non-blocking
      await sleep(RETRY_MS);
    }
}

/** The first byte that no text of ours has. */
function firstBadByte(bytes: Buffer): { offset: number; what: string; hint: string } | undefined {
  const control = bytes.findIndex(
    (byte) => byte === 0x7f || (byte < 0x20 && ![0x09, 0x0a, 0x0d].includes(byte)),
  );
  const bad = badUtf8(bytes);
  if (control < 0 && bad < 0) return undefined;
  const hint = 'the file is a text in UTF-8';
  if (bad >= 0 && (control < 0 || bad < control)) return { offset: bad, what: 'this is not UTF-8', hint };
  const code = bytes[control]!.toString(16).padStart(2, '0');
  return { offset: control, what: `there is a control character (0x${code})`, hint };
}

/** Offset of the first character that is not UTF-8; -1 if all is. */
function badUtf8(bytes: Buffer): number {
  // Node puts this character in the place of what is wrong; it can be in a file, too
  const REPLACEMENT = '\ufffd';
  let offset = 0;
  const parts = bytes.toString('utf8').split(REPLACEMENT);
  for (const part of parts.slice(0, -1)) {
    offset += Buffer.byteLength(part);
    const isIts = bytes.subarray(offset, offset + 3).toString('hex') === 'efbfbd';
    if (!isIts) return offset;
    offset += 3;
  }
  return -1;
}
