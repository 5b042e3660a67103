// SPDX-License-Identifier: MIT
/**
 * The headers of a tar archive: POSIX ustar and pax, and the long names of GNU tar. Nothing is unpacked here, so that an
 * archive from anybody can be judged before a single file is made.
 */

export interface TarEntry {
  path: string;
  /** `other`: hard links, devices and the like */
  type: 'directory' | 'file' | 'link' | 'other';
  /** of a symbolic link */
  target: string;
  /** where the content is in the archive */
  offset: number;
  size: number;
}

/** The data is no tar archive, or it is damaged. */
export class TarError extends Error {}
TarError.prototype.name = 'TarError';

const BLOCK = 512;
/** Names in extended headers; longer ones are refused by everybody who reads them. */
const LONG_NAME_LIMIT = 64 * 1024;

const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file', // contiguous, which is the same today
  '2': 'link',
  '5': 'directory',
};

/** @throws TarError, after the entries before the damage */
export function* tarEntries(data: Buffer): Generator<TarEntry> {
  let long: { path?: string; target?: string; size?: number } = {};
  let at = 0;
  while (at + BLOCK <= data.length) {
    const header = data.subarray(at, at + BLOCK);
    at += BLOCK;
    if (header[0] === 0 && header.every((byte) => byte === 0)) return;
    checkSum(header);
    const type = String.fromCharCode(header[156]!);
    const size = long.size ?? numberOf(header, 124, 12);
    if (size > data.length - at) throw new TarError('it ends within a file');
    const offset = at;
    at += Math.ceil(size / BLOCK) * BLOCK;
    const content = (): Buffer => {
      if (size > LONG_NAME_LIMIT) throw new TarError('a name is too long');
      return data.subarray(offset, offset + size);
    };
    if (type === 'x') long = { ...long, ...paxOf(content()) };
    else if (type === 'L') long = { ...long, path: text(content(), 0, size) };
    else if (type === 'K') long = { ...long, target: text(content(), 0, size) };
    else if (type !== 'g') {
      yield {
        path: long.path ?? nameOf(header),
        type: TYPES[type] ?? 'other',
        target: long.target ?? text(header, 157, 100),
        offset,
        size,
      };
      long = {};
    }
  }
  if (at === 0) throw new TarError('it has no header');
}

/** The sum of all bytes of the header, its own field taken as blanks. */
function checkSum(header: Buffer): void {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) sum += header[at]!;
  if (numberOf(header, 148, 8) !== sum) throw new TarError('the sum of a header is wrong');
}

/** Octal digits, or a binary number behind a set bit (GNU, for large ones). */
function numberOf(header: Buffer, at: number, length: number): number {
  if (header[at]! & 0x80) {
    let value = header[at]! & 0x7f;
    for (let next = at + 1; next < at + length; next++) value = value * 256 + header[next]!;
    return value;
  }
  const digits = text(header, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new TarError('a number is none');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function text(data: Buffer, at: number, length: number): string {
  const end = data.indexOf(0, at);
  return data.toString('utf8', at, end < 0 || end > at + length ? at + length : end);
}

function nameOf(header: Buffer): string {
  const name = text(header, 0, 100);
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? text(header, 345, 155) : '';
  return prefix ? `${prefix}/${name}` : name;
}

/** Records of a pax header: "LENGTH KEY=VALUE\n". */
function paxOf(data: Buffer): { path?: string; target?: string; size?: number } {
  const found: { path?: string; target?: string; size?: number } = {};
  for (let at = 0; at < data.length; ) {
    const [, digits = ''] = /^(\d{1,6}) /.exec(data.toString('latin1', at, at + 7)) ?? [];
    const end = at + Number(digits);
    if (digits === '' || end > data.length || data[end - 1] !== 0x0a)
      throw new TarError('a pax header is none');
    const record = data.toString('utf8', at + digits.length + 1, end - 1);
    const equals = record.indexOf('=');
    const value = record.slice(equals + 1);
    switch (record.slice(0, equals)) {
      case 'path':
        found.path = value;
        break;
      case 'linkpath':
        found.target = value;
        break;
      case 'size':
        if (!/^\d{1,15}$/.test(value)) throw new TarError('a size is none');
        found.size = Number(value);
    }
    at = end;
  }
  return found;
}
