// SPDX-License-Identifier: MIT
/**
 * Value codecs: how one attribute payload or struct member turns into a JavaScript value and back.
 *
 * Integers are in host byte order unless the codec's name says otherwise; the order is a
 * parameter (`ByteOrder`), so that both orders can be tested on one machine and a recording made on s390x can
 * be read on x86.
 */

export type ByteOrder = 'LE' | 'BE';

/** Byte order of this machine. */
export const hostByteOrder: ByteOrder = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 'LE' : 'BE';

/** Thrown by codecs and schemas; the connection wraps it into a NetlinkError with code ERR_MALFORMED. */
export class MalformedError extends Error {}
MalformedError.prototype.name = 'MalformedError';

/** Kinds of secrets, each replaced in its own way when a recording is redacted (`src/recording/redaction.ts`). */
export type Secret =
  /** an IP address of 4 or 16 bytes */
  | 'address'
  /** an IP address in 16 bytes, of which IPv4 uses the first four */
  | 'socketAddress'
  | 'eid'
  | 'hostName'
  /** of an SMC-D device: 64 bits */
  | 'gid'
  /** of an RDMA device: an IPv6 address as text, in full form */
  | 'gidText';

export interface Codec<T> {
  /** for messages and the debug dump: "u32", "str(16)", "PORT" */
  readonly name: string;
  /**
   * Decodes `length` bytes at `offset`. Values never keep a reference to `data`, because a field of 4
   * bytes must not keep a receive buffer of 32 KiB in memory.
   * @throws MalformedError when the length does not fit the type
   */
  decode(data: Buffer, offset: number, length: number, order: ByteOrder): T;
  encode(value: T, order: ByteOrder): Buffer;
  /** what the field holds that a redacted recording must not; see `secret` */
  readonly secret?: Secret;
}

/** Marks the codec of a field that holds a secret. Unmarked fields stay as they are in redacted recordings. */
export function secret<C extends { readonly decode: unknown }>(kind: Secret, codec: C): C {
  return { ...codec, secret: kind };
}

/** A codec with a fixed size, usable as a struct member. */
export interface FixedCodec<T> extends Codec<T> {
  readonly size: number;
  /** alignment inside a C struct */
  readonly align: number;
}

function expectSize(name: string, length: number, size: number): void {
  if (length !== size) throw new MalformedError(`${length} bytes, ${name} needs ${size}`);
}

function integer<T>(
  name: string,
  size: number,
  read: (data: Buffer, offset: number, order: ByteOrder) => T,
  write: (data: Buffer, value: T, order: ByteOrder) => void,
): FixedCodec<T> {
  return {
    name,
    size,
    align: size,
    decode(data, offset, length, order) {
      expectSize(name, length, size);
      return read(data, offset, order);
    },
    encode(value, order) {
      const data = Buffer.alloc(size);
      write(data, value, order);
      return data;
    },
  };
}

export const u8: FixedCodec<number> = integer(
  'u8',
  1,
  (data, offset) => data.readUInt8(offset),
  (data, value) => data.writeUInt8(value),
);

export const u16: FixedCodec<number> = integer(
  'u16',
  2,
  (data, offset, order) => (order === 'LE' ? data.readUInt16LE(offset) : data.readUInt16BE(offset)),
  (data, value, order) => (order === 'LE' ? data.writeUInt16LE(value) : data.writeUInt16BE(value)),
);

export const u32: FixedCodec<number> = integer(
  'u32',
  4,
  (data, offset, order) => (order === 'LE' ? data.readUInt32LE(offset) : data.readUInt32BE(offset)),
  (data, value, order) => (order === 'LE' ? data.writeUInt32LE(value) : data.writeUInt32BE(value)),
);

export const s32: FixedCodec<number> = integer(
  's32',
  4,
  (data, offset, order) => (order === 'LE' ? data.readInt32LE(offset) : data.readInt32BE(offset)),
  (data, value, order) => (order === 'LE' ? data.writeInt32LE(value) : data.writeInt32BE(value)),
);

export const u64: FixedCodec<bigint> = integer(
  'u64',
  8,
  (data, offset, order) => (order === 'LE' ? data.readBigUInt64LE(offset) : data.readBigUInt64BE(offset)),
  (data, value, order) => (order === 'LE' ? data.writeBigUInt64LE(value) : data.writeBigUInt64BE(value)),
);

/** 16 bit in network order, e.g. a TCP port. */
export const u16be: FixedCodec<number> = integer(
  'u16be',
  2,
  (data, offset) => data.readUInt16BE(offset),
  (data, value) => data.writeUInt16BE(value),
);

/** 32 bit in network order, e.g. SMC_NLA_LINK_UID. */
export const u32be: FixedCodec<number> = integer(
  'u32be',
  4,
  (data, offset) => data.readUInt32BE(offset),
  (data, value) => data.writeUInt32BE(value),
);

/**
 * Unsigned integer whose width is chosen by the sender: NLA_UINT (4 bytes if the value fits, else 8), and
 * attributes whose width differs between kernel and header (SMC_NLA_LGR_D_CHID). Reads widths 1, 2, 4 and 8.
 */
export const uint: Codec<bigint> = {
  name: 'uint',
  decode(data, offset, length, order) {
    switch (length) {
      case 1:
        return BigInt(data.readUInt8(offset));
      case 2:
        return BigInt(u16.decode(data, offset, length, order));
      case 4:
        return BigInt(u32.decode(data, offset, length, order));
      case 8:
        return u64.decode(data, offset, length, order);
      default:
        throw new MalformedError(`${length} bytes, uint needs 1, 2, 4 or 8`);
    }
  },
  encode(value, order) {
    return value <= 0xffff_ffffn ? u32.encode(Number(value), order) : u64.encode(value, order);
  },
};

let strictUtf8: InstanceType<typeof TextDecoder> | undefined;

/**
 * Text up to the first NUL. The kernel's names are arbitrary bytes: valid UTF-8 is read as such, anything
 * else byte by byte as Latin-1, which is also the character table that the kernel uses for PNET IDs.
 */
export function decodeText(data: Buffer, start: number, limit: number): string {
  let end = start;
  let ascii = true;
  while (end < limit && data[end] !== 0) {
    if (data[end]! >= 0x80) ascii = false;
    end++;
  }
  if (ascii) return data.toString('latin1', start, end);
  strictUtf8 ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return strictUtf8.decode(data.subarray(start, end));
  } catch {
    return data.toString('latin1', start, end);
  }
}

/**
 * NUL-terminated string attribute.
 * @param maxLength longest text in bytes, without the NUL; checked on encode only, since newer kernels may
 *   send longer names
 * @param encoding of the text on encode; the kernel reads PNET IDs as Latin-1
 */
export function str(maxLength: number, encoding: 'utf8' | 'latin1' = 'utf8'): Codec<string> {
  const name = `str(${maxLength})`;
  return {
    name,
    decode: (data, offset, length) => decodeText(data, offset, offset + length),
    encode(value) {
      const text = Buffer.from(value, encoding);
      if (text.length > maxLength)
        throw new MalformedError(`${text.length} bytes, ${name} takes ${maxLength}`);
      if (text.includes(0)) throw new MalformedError(`a NUL inside ${name}`);
      return Buffer.concat([text, Buffer.alloc(1)]);
    },
  };
}

/**
 * String of a fixed width, padded with blanks and closed by a NUL: EIDs and host names (32 + 1 bytes). An
 * unset string arrives as a single NUL. The padding is removed on decoding.
 */
export function blankPadded(width: number): Codec<string> {
  const name = `blankPadded(${width})`;
  return {
    name,
    decode: (data, offset, length) => decodeText(data, offset, offset + length).replace(/ +$/, ''),
    encode(value) {
      const text = Buffer.from(value, 'latin1');
      if (text.length > width) throw new MalformedError(`${text.length} bytes, ${name} takes ${width}`);
      const data = Buffer.alloc(width + 1, 0x20);
      text.copy(data);
      data[width] = 0;
      return data;
    },
  };
}

/** `char name[size]` inside a struct. */
export function charArray(size: number): FixedCodec<string> {
  const name = `char[${size}]`;
  return {
    name,
    size,
    align: 1,
    decode(data, offset, length) {
      expectSize(name, length, size);
      return decodeText(data, offset, offset + length);
    },
    encode(value) {
      const data = Buffer.alloc(size);
      if (data.write(value, 0, size - 1, 'utf8') < Buffer.byteLength(value))
        throw new MalformedError(`${JSON.stringify(value)} is too long for ${name}`);
      return data;
    },
  };
}

/** For a few bytes, a loop is several times faster than a copy through Buffer. */
function copyBytes(data: Buffer, offset: number, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  for (let i = 0; i < length; i++) copy[i] = data[offset + i]!;
  return copy;
}

/** `__u8 name[size]` inside a struct; the result is a copy. */
export function byteArray(size: number): FixedCodec<Uint8Array> {
  const name = `u8[${size}]`;
  return {
    name,
    size,
    align: 1,
    decode(data, offset, length) {
      expectSize(name, length, size);
      return copyBytes(data, offset, length);
    },
    encode(value) {
      expectSize(name, value.length, size);
      return Buffer.from(value);
    },
  };
}

/** Any bytes, copied. */
export const binary: Codec<Uint8Array> = {
  name: 'binary',
  decode: copyBytes,
  encode: (value) => Buffer.from(value),
};
