// SPDX-License-Identifier: MIT
/** ELF files made by hand: they have only headers and cannot run. */

export interface ElfImageOptions {
  bits?: 32 | 64;
  byteOrder?: 'LE' | 'BE';
  machine?: number;
  /** e_type */
  type?: number;
  /** null: linked statically */
  interpreter?: string | null;
  needed?: readonly string[];
  /** note of the Go linker */
  goNote?: boolean;
  /** section headers, with Go's sections if `goVersion` is given */
  sections?: boolean;
  goVersion?: string;
}

const EM_X86_64 = 62;
const PT = { LOAD: 1, DYNAMIC: 2, INTERP: 3, NOTE: 4 };
const BASE = 0x40_0000;

export function elfImage({
  bits = 64,
  byteOrder = 'LE',
  machine = EM_X86_64,
  type = 3,
  interpreter = '/lib64/ld-linux-x86-64.so.2',
  needed = ['libc.so.6'],
  goNote = false,
  sections = false,
  goVersion,
}: ElfImageOptions = {}): Buffer {
  const is64 = bits === 64;
  const half = (value: number) => number(value, 2);
  const word = (value: number) => number(value, 4);
  const long = (value: number) => (is64 ? number(value, 8) : word(value));
  function number(value: number, size: 2 | 4 | 8): Buffer {
    const data = Buffer.alloc(size);
    if (size === 8) {
      if (byteOrder === 'LE') data.writeBigUInt64LE(BigInt(value));
      else data.writeBigUInt64BE(BigInt(value));
    } else if (byteOrder === 'LE') data.writeUIntLE(value, 0, size);
    else data.writeUIntBE(value, 0, size);
    return data;
  }

  const [headerSize, segmentSize, sectionSize] = is64 ? [64, 56, 64] : [52, 32, 40];
  const parts: { type: number; data: Buffer }[] = [];
  if (interpreter !== null) parts.push({ type: PT.INTERP, data: Buffer.from(`${interpreter}\0`) });
  if (goNote)
    parts.push({
      type: PT.NOTE,
      data: Buffer.concat([word(4), word(8), word(4), Buffer.from('Go\0\0build-id')]),
    });
  const dynamicStrings = Buffer.from(`\0${needed.join('\0')}\0`);
  const dynamicIndex = parts.length;
  const isDynamic = interpreter !== null || needed.length > 0;
  const segmentCount = parts.length + 1 + (isDynamic ? 1 : 0);

  let offset = headerSize + segmentSize * segmentCount;
  const placed = parts.map((part) => {
    const at = offset;
    offset += part.data.length;
    return { ...part, at };
  });
  const stringsAt = offset;
  offset += dynamicStrings.length;
  if (isDynamic) {
    let at = 1;
    const entries = needed.map((name) => {
      const entry = Buffer.concat([long(1), long(at)]);
      at += name.length + 1;
      return entry;
    });
    const data = Buffer.concat([...entries, long(5), long(BASE + stringsAt), long(0), long(0)]);
    placed.splice(dynamicIndex, 0, { type: PT.DYNAMIC, data, at: offset });
    offset += data.length;
  }

  const buildInfo = Buffer.concat([
    Buffer.from('\xff Go buildinf:', 'latin1'),
    Buffer.from([8, 2]),
    Buffer.alloc(16),
    Buffer.from([goVersion?.length ?? 0]),
    Buffer.from(goVersion ?? ''),
  ]);
  const buildInfoAt = offset;
  const names = Buffer.from('\0.shstrtab\0.gopclntab\0.go.buildinfo\0');
  const namesAt = buildInfoAt + buildInfo.length;
  const sectionsAt = namesAt + names.length;
  const section = (name: number, at: number, size: number): Buffer =>
    Buffer.concat([
      word(name),
      word(1),
      long(0),
      long(0),
      long(at),
      long(size),
      Buffer.alloc(is64 ? 24 : 16),
    ]);
  const table = [
    section(0, 0, 0),
    section(1, namesAt, names.length),
    ...(goVersion === undefined
      ? []
      : [section(11, buildInfoAt, 0), section(22, buildInfoAt, buildInfo.length)]),
  ];

  const segment = (kind: number, at: number, size: number): Buffer =>
    is64
      ? Buffer.concat([
          word(kind),
          word(4),
          long(at),
          long(BASE + at),
          long(BASE + at),
          long(size),
          long(size),
          long(1),
        ])
      : Buffer.concat([
          word(kind),
          long(at),
          long(BASE + at),
          long(BASE + at),
          long(size),
          long(size),
          word(4),
          long(1),
        ]);
  return Buffer.concat([
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, byteOrder === 'LE' ? 1 : 2, 1]),
    Buffer.alloc(9),
    ...[half(type), half(machine), word(1), long(BASE), long(headerSize), long(sections ? sectionsAt : 0)],
    ...[word(0), half(headerSize), half(segmentSize), half(segmentCount)],
    ...[half(sections ? sectionSize : 0), half(sections ? table.length : 0), half(sections ? 1 : 0)],
    segment(PT.LOAD, 0, sectionsAt),
    ...placed.map(({ type, at, data }) => segment(type, at, data.length)),
    ...parts.map(({ data }) => data),
    dynamicStrings,
    ...placed.filter(({ type }) => type === PT.DYNAMIC).map(({ data }) => data),
    ...(sections ? [buildInfo, names, ...table] : []),
  ]);
}
