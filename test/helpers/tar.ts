// SPDX-License-Identifier: MIT
/** Archives made by hand, header by header: names and targets that no honest program makes. */
import { gzipSync } from 'node:zlib';

export interface TarPart {
  path: string;
  /** typeflag; '0' is a file */
  type?: string;
  target?: string;
  text?: string | Buffer;
  /** what the header says of the size; that of the text by default */
  size?: number;
  /** replaces the sum of the header */
  sum?: string;
  prefix?: string;
}

/** One header with its content, padded to blocks. */
export function tarPart({
  path,
  type = '0',
  target = '',
  text = '',
  size,
  sum,
  prefix = '',
}: TarPart): Buffer {
  const content = Buffer.from(text);
  const header = Buffer.alloc(512);
  header.write(path, 0, 100);
  header.write('0000644\0', 100);
  header.write(`${(size ?? content.length).toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write(type, 156);
  header.write(target, 157, 100);
  header.write('ustar\u000000', 257);
  header.write(prefix, 345, 155);
  header.fill(0x20, 148, 156);
  const total = header.reduce((all, byte) => all + byte, 0);
  header.write(sum ?? `${total.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** A pax header for the entry behind it. */
export function paxPart(values: Record<string, string>): Buffer {
  const records = Object.entries(values).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    if (String(length).length > String(rest).length) length = rest + String(length).length;
    return `${length} ${key}=${value}\n`;
  });
  return tarPart({ path: 'pax', type: 'x', text: records.join('') });
}

export const tar = (...parts: (TarPart | Buffer)[]): Buffer =>
  Buffer.concat([...parts.map((part) => (Buffer.isBuffer(part) ? part : tarPart(part))), Buffer.alloc(1024)]);

export const tgz = (...parts: (TarPart | Buffer)[]): Buffer => gzipSync(tar(...parts));
