// SPDX-License-Identifier: MIT
/**
 * What an ELF file says about its program: machine, loader, libraries, and whether the Go linker made it. Reads only
 * headers, and a limited number of bytes whatever they contain. For damaged files, it throws only `ElfError`.
 * Source: elf(5), linux/elf.h; binfmt_elf.c for what the kernel accepts; Go's package debug/buildinfo for Go.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** The file is not an ELF file, or its headers contradict each other. Errors of the system are passed on. */
export class ElfError extends Error {
  readonly code: 'NOT_ELF' | 'DAMAGED';

  constructor(code: 'NOT_ELF' | 'DAMAGED', message: string) {
    super(message);
    this.code = code;
  }
}
ElfError.prototype.name = 'ElfError';

export interface ElfFile {
  bits: 32 | 64;
  byteOrder: 'LE' | 'BE';
  /** e_machine, EM_ in linux/elf-em.h */
  machine: number;
  /** e_type: ET_EXEC is 2, ET_DYN (position independent programs and libraries) 3 */
  type: number;
  /** the dynamic loader (PT_INTERP); null: the program is linked statically, so the kernel starts it directly */
  interpreter: string | null;
  /** names of the libraries it is linked with (DT_NEEDED), in order */
  needed: string[];
  /** made by the Go linker; false for gccgo, whose programs use the C library */
  go: { version: string | null } | null;
}

/** Reads bytes at an offset; returns fewer at the end of the file. */
export interface ByteSource {
  read(offset: number, length: number): Buffer;
}

/** Limits for reading. The kernel has the same limits for program headers and the name of the loader. */
const PROGRAM_HEADERS_MAX = 65_536;
const INTERPRETER_MAX = 4096;
const DYNAMIC_MAX = 65_536;
const NEEDED_MAX = 512;
const NAME_MAX = 512;
const NOTES_MAX = 65_536;
const SECTION_HEADERS_MAX = 262_144;
const SECTION_NAMES_MAX = 65_536;

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const EI_DATA = 5;
const EI_CLASS = 4;

interface Segment {
  type: number;
  offset: number;
  address: number;
  size: number;
}

/** Fields of a buffer in the file's byte order and word size. Reading beyond the end throws an `ElfError`. */
class Fields {
  readonly #data: Buffer;
  readonly #isLittle: boolean;

  constructor(data: Buffer, byteOrder: 'LE' | 'BE') {
    this.#data = data;
    this.#isLittle = byteOrder === 'LE';
  }

  get length(): number {
    return this.#data.length;
  }

  #check(at: number, size: number): void {
    if (at + size > this.#data.length) throw new ElfError('DAMAGED', 'the file ends within its headers');
  }

  half(at: number): number {
    this.#check(at, 2);
    return this.#isLittle ? this.#data.readUInt16LE(at) : this.#data.readUInt16BE(at);
  }

  word(at: number): number {
    this.#check(at, 4);
    return this.#isLittle ? this.#data.readUInt32LE(at) : this.#data.readUInt32BE(at);
  }

  /** 64 bits, inexact above 2^53: no file is that large, and addresses are only used to find offsets */
  long(at: number): number {
    this.#check(at, 8);
    const [low, high] = this.#isLittle ? [at, at + 4] : [at + 4, at];
    return this.word(high) * 0x1_0000_0000 + this.word(low);
  }
}

/**
 * Reads the headers.
 * @throws ElfError
 */
export function parseElf(source: ByteSource): ElfFile {
  const start = source.read(0, 64);
  if (start.length < 4 || start.readUInt32BE(0) !== 0x7f454c46)
    throw new ElfError('NOT_ELF', 'not an ELF file');
  const bits = start[EI_CLASS] === 1 ? 32 : start[EI_CLASS] === 2 ? 64 : undefined;
  const byteOrder = start[EI_DATA] === 1 ? 'LE' : start[EI_DATA] === 2 ? 'BE' : undefined;
  if (!bits || !byteOrder) throw new ElfError('DAMAGED', 'the ELF header has an unknown class or byte order');

  const header = new Fields(start, byteOrder);
  const segments = programHeaders(source, header, bits, byteOrder);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  return {
    bits,
    byteOrder,
    type: header.half(16),
    machine: header.half(18),
    interpreter: interpreter ? interpreterName(source, interpreter) : null,
    needed: neededLibraries(source, segments, bits, byteOrder),
    go: goProgram(source, header, segments, bits, byteOrder),
  };
}

/**
 * Reads the headers of a file.
 * @throws ElfError; the system's own error when it cannot be opened or read
 */
export function readElf(path: string | Buffer): ElfFile {
  // opening or reading a pipe would wait for its writer
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new ElfError('NOT_ELF', 'not a regular file');
    return parseElf(fileSource(fd));
  } finally {
    closeSync(fd);
  }
}

/** A source that reads from a descriptor. */
function fileSource(fd: number): ByteSource {
  return {
    read(offset, length) {
      if (!Number.isSafeInteger(offset)) return Buffer.alloc(0);
      const data = Buffer.alloc(length);
      return data.subarray(0, readSync(fd, data, 0, length, offset));
    },
  };
}

function programHeaders(
  source: ByteSource,
  header: Fields,
  bits: 32 | 64,
  byteOrder: 'LE' | 'BE',
): Segment[] {
  const is64 = bits === 64;
  const offset = is64 ? header.long(32) : header.word(28);
  const entrySize = header.half(is64 ? 54 : 42);
  const count = header.half(is64 ? 56 : 44);
  if (count === 0) return [];
  if (entrySize !== (is64 ? 56 : 32))
    throw new ElfError('DAMAGED', `program headers of ${entrySize} bytes have an unknown format`);
  if (entrySize * count > PROGRAM_HEADERS_MAX) throw new ElfError('DAMAGED', 'too many program headers');
  const table = new Fields(source.read(offset, entrySize * count), byteOrder);
  return Array.from({ length: count }, (_, index) => {
    const at = index * entrySize;
    return is64
      ? {
          type: table.word(at),
          offset: table.long(at + 8),
          address: table.long(at + 16),
          size: table.long(at + 32),
        }
      : {
          type: table.word(at),
          offset: table.word(at + 4),
          address: table.word(at + 8),
          size: table.word(at + 16),
        };
  });
}

/** Text up to the first NUL; null if there is no NUL. */
function textUpToNul(data: Buffer): string | null {
  const end = data.indexOf(0);
  return end < 0 ? null : data.toString('latin1', 0, end);
}

function interpreterName(source: ByteSource, { offset, size }: Segment): string {
  if (size < 2 || size > INTERPRETER_MAX)
    throw new ElfError('DAMAGED', `the name of the dynamic loader cannot have ${size} bytes`);
  const name = textUpToNul(source.read(offset, size));
  if (!name) throw new ElfError('DAMAGED', 'the name of the dynamic loader is not terminated');
  return name;
}

/** Libraries whose names cannot be found are left out. */
function neededLibraries(
  source: ByteSource,
  segments: readonly Segment[],
  bits: 32 | 64,
  byteOrder: 'LE' | 'BE',
): string[] {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (!dynamic) return [];
  const table = new Fields(source.read(dynamic.offset, Math.min(dynamic.size, DYNAMIC_MAX)), byteOrder);
  const wordSize = bits / 8;
  const value = (at: number): number => (bits === 64 ? table.long(at) : table.word(at));
  const names: number[] = [];
  let strings: number | undefined;
  for (let at = 0; at + 2 * wordSize <= table.length; at += 2 * wordSize) {
    const tag = value(at);
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED && names.length < NEEDED_MAX) names.push(value(at + wordSize));
    if (tag === DT_STRTAB) strings ??= value(at + wordSize);
  }
  const base = strings === undefined ? undefined : fileOffset(segments, strings);
  // the kernel does not read them, so the program may start anyway
  if (base === undefined) return [];
  return names.flatMap((name) => textUpToNul(source.read(base + name, NAME_MAX)) ?? []);
}

/** Offset in the file of the byte that has this address in the running program. */
function fileOffset(segments: readonly Segment[], address: number): number | undefined {
  const segment = segments.find(
    (segment) =>
      segment.type === PT_LOAD && address >= segment.address && address < segment.address + segment.size,
  );
  return segment && address - segment.address + segment.offset;
}

/** The Go linker adds a note with the owner "Go", and sections of its own; stripping may remove the sections. */
function goProgram(
  source: ByteSource,
  header: Fields,
  segments: readonly Segment[],
  bits: 32 | 64,
  byteOrder: 'LE' | 'BE',
): ElfFile['go'] {
  const sections = goSections(source, header, bits, byteOrder);
  const hasNote = segments.some(
    ({ type, offset, size }) =>
      type === PT_NOTE && hasGoNote(new Fields(source.read(offset, Math.min(size, NOTES_MAX)), byteOrder)),
  );
  if (!hasNote && !sections.hasTable) return null;
  return { version: sections.buildInfo === undefined ? null : goVersion(source, sections.buildInfo) };
}

function hasGoNote(notes: Fields): boolean {
  const GO_BUILD_ID = 4;
  const aligned = (size: number): number => Math.ceil(size / 4) * 4;
  for (let at = 0; at + 16 <= notes.length; ) {
    const [nameSize, size, type] = [notes.word(at), notes.word(at + 4), notes.word(at + 8)];
    const isGo = nameSize === 4 && [0x476f0000, 0x00006f47].includes(notes.word(at + 12));
    if (isGo && type === GO_BUILD_ID) return true;
    at += 12 + aligned(nameSize) + aligned(size);
  }
  return false;
}

/** Section headers are not needed to run a program, so mistakes in them are ignored. */
function goSections(
  source: ByteSource,
  header: Fields,
  bits: 32 | 64,
  byteOrder: 'LE' | 'BE',
): { hasTable: boolean; buildInfo?: number } {
  const is64 = bits === 64;
  const found: { hasTable: boolean; buildInfo?: number } = { hasTable: false };
  const offset = is64 ? header.long(40) : header.word(32);
  const entrySize = header.half(is64 ? 58 : 46);
  const count = header.half(is64 ? 60 : 48);
  const namesIndex = header.half(is64 ? 62 : 50);
  if (entrySize !== (is64 ? 64 : 40) || namesIndex >= count || entrySize * count > SECTION_HEADERS_MAX)
    return found;
  const data = source.read(offset, entrySize * count);
  if (data.length < entrySize * count) return found;
  const table = new Fields(data, byteOrder);
  const place = (index: number): { offset: number; size: number } => {
    const at = index * entrySize;
    return is64
      ? { offset: table.long(at + 24), size: table.long(at + 32) }
      : { offset: table.word(at + 16), size: table.word(at + 20) };
  };
  const strings = place(namesIndex);
  const names = source.read(strings.offset, Math.min(strings.size, SECTION_NAMES_MAX));
  for (let index = 0; index < count; index++) {
    const name = table.word(index * entrySize);
    const isNamed = (text: string): boolean =>
      names.length > name + text.length &&
      names.toString('latin1', name, name + text.length) === text &&
      names[name + text.length] === 0;
    if (isNamed('.gopclntab') || isNamed('.data.rel.ro.gopclntab')) found.hasTable = true;
    if (isNamed('.go.buildinfo')) found.buildInfo = place(index).offset;
  }
  return found;
}

/** Since Go 1.18, this section has the version as text: 32 bytes of header, a length, the text. */
function goVersion(source: ByteSource, offset: number): string | null {
  const INLINE = 2;
  const data = source.read(offset, 96);
  if (data.length < 34 || data.toString('latin1', 0, 14) !== '\xff Go buildinf:' || !(data[15]! & INLINE))
    return null;
  const length = data[32]!;
  const text = data.toString('latin1', 33, 33 + length);
  return length < 64 && /^[ -~]+$/.test(text) && text.length === length ? text : null;
}

/** Machines by EM_ number, as uname -m calls them; 64-bit names if a number is used for both classes. */
const MACHINES: Readonly<Record<number, string>> = {
  2: 'sparc',
  3: 'i386',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  43: 'sparc64',
  50: 'ia64',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
};

/** Readable name of the machine for which a program was made: "aarch64", "i386", "s390 (31-bit)". */
export function machineName({ machine, bits, byteOrder }: ElfFile): string {
  const name = MACHINES[machine] ?? `machine ${machine}`;
  if (machine === 22 && bits === 32) return 's390 (31-bit)';
  if (machine === 62 && bits === 32) return 'x32';
  if (machine === 243 && bits === 32) return 'riscv32';
  if (machine === 21 && byteOrder === 'LE') return 'ppc64le';
  return name;
}

/** Same machine, class and byte order, so that a library can be loaded into the program. */
export function isSameAbi(one: ElfFile, other: ElfFile): boolean {
  return one.machine === other.machine && one.bits === other.bits && one.byteOrder === other.byteOrder;
}

/** 32-bit machines whose programs a 64-bit kernel runs without an emulator. */
const SIBLINGS: Readonly<Record<number, readonly number[]>> = {
  8: [8],
  21: [20],
  22: [22],
  43: [2],
  62: [3, 62],
  183: [40],
};

/** Whether a kernel that runs `native` also runs `program` without an emulator, provided it has 32-bit support. */
export function runsNatively(program: ElfFile, native: ElfFile): boolean {
  if (isSameAbi(program, native)) return true;
  const is32 = program.bits === 32 && program.byteOrder === native.byteOrder;
  return is32 && (SIBLINGS[native.machine] ?? []).includes(program.machine);
}
