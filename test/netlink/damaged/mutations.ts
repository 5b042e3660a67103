// SPDX-License-Identifier: MIT
/** Damages an answer, as a number of the seed says. */
import type { Random } from '../../helpers/random.ts';
import type { Datagram } from './reference.ts';

type Order = 'LE' | 'BE';

/** Sizes and values that sit on the edges of checks. */
const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 19, 20, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff];
const NOOP = 1;
const ERROR = 2;
const DONE = 3;
const OVERRUN = 4;
const DUMP_INTR = 0x10;
const ACK_TLVS = 0x200;

/** errnos with a meaning for some command, names that the client once used itself, and what is no errno */
const ERRNOS = [
  0, -1, -2, -11, -16, -17, -19, -22, -34, -61, -90, -95, -105, -110, -524, -4095, -4096, 1, 2, 17, 110,
  0x7fff_ffff, -0x8000_0000,
];

class Bytes {
  readonly order: Order;
  constructor(order: Order) {
    this.order = order;
  }

  u16 = (data: Buffer, at: number): number =>
    at + 2 > data.length ? 0 : this.order === 'LE' ? data.readUInt16LE(at) : data.readUInt16BE(at);
  u32 = (data: Buffer, at: number): number =>
    at + 4 > data.length ? 0 : this.order === 'LE' ? data.readUInt32LE(at) : data.readUInt32BE(at);
  // a message may have been cut short by an earlier mutation
  put16(data: Buffer, at: number, value: number): void {
    if (at + 2 > data.length) return;
    if (this.order === 'LE') data.writeUInt16LE(value & 0xffff, at);
    else data.writeUInt16BE(value & 0xffff, at);
  }
  put32(data: Buffer, at: number, value: number): void {
    if (at + 4 > data.length) return;
    if (this.order === 'LE') data.writeInt32LE(value | 0, at);
    else data.writeInt32BE(value | 0, at);
  }

  /** Splits a well-formed datagram, padding included. */
  messages(data: Buffer): Buffer[] {
    const parts: Buffer[] = [];
    for (let at = 0; data.length - at >= 16; ) {
      const end = at + ((this.u32(data, at) + 3) & ~3);
      parts.push(Buffer.from(data.subarray(at, end)));
      at = end;
    }
    return parts;
  }

  /** A message without payload, or with an errno, in answer to the same request as another. */
  like(message: Buffer, type: number, errno?: number): Buffer {
    const data = Buffer.alloc(errno === undefined ? 16 : type === ERROR ? 36 : 20);
    message.copy(data, 0, 0, 16);
    this.put32(data, 0, data.length);
    this.put16(data, 4, type);
    if (errno !== undefined) this.put32(data, 16, errno);
    return data;
  }

  /** Offsets of attribute headers in a message, those of nests included. */
  attributes(message: Buffer, headerSize: number): number[] {
    const found: number[] = [];
    const walk = (from: number, end: number, depth: number): boolean => {
      const here: number[] = [];
      let at = from;
      while (end - at >= 4) {
        const size = this.u16(message, at);
        if (size < 4 || size > end - at) return false;
        here.push(at);
        at += (size + 3) & ~3;
      }
      if (at < end) return false;
      found.push(...here);
      if (depth > 0)
        for (const one of here)
          if (this.u16(message, one) > 8) walk(one + 4, one + this.u16(message, one), depth - 1);
      return true;
    };
    walk(16 + headerSize, Math.min(this.u32(message, 0), message.length), 4);
    return found;
  }
}

/** An answer under the hammer: a list of datagrams, each a list of messages. */
class Work {
  parts: Buffer[][];
  readonly foreign = new Set<Buffer[]>();
  readonly truncated = new Set<Buffer[]>();
  readonly bytes: Bytes;
  readonly headerSize: number;
  readonly next: Random;

  constructor(answer: readonly Buffer[], headerSize: number, bytes: Bytes, next: Random) {
    this.parts = answer.map((data) => bytes.messages(data));
    this.headerSize = headerSize;
    this.bytes = bytes;
    this.next = next;
  }

  some<T>(list: readonly T[]): T {
    return list[this.next(list.length)]!;
  }

  place(): { list: Buffer[]; at: number; message: Buffer } | undefined {
    const filled = this.parts.filter((list) => list.length > 0);
    if (filled.length === 0) return undefined;
    const list = this.some(filled);
    const at = this.next(list.length);
    return { list, at, message: list[at]! };
  }

  insert(make: (like: Buffer) => Buffer): void {
    const where = this.place();
    if (where) where.list.splice(where.at + this.next(2), 0, make(where.message));
  }
}

const KINDS: Record<string, (work: Work) => void> = {
  bit(work) {
    const where = work.place();
    if (where) where.message[work.next(where.message.length)]! ^= 1 << work.next(8);
  },
  byte(work) {
    const where = work.place();
    if (where)
      where.message[work.next(where.message.length)] = work.next(2)
        ? work.next(256)
        : work.some(EDGES) & 0xff;
  },
  'message length'(work) {
    const where = work.place();
    if (!where) return;
    const size = work.bytes.u32(where.message, 0);
    work.bytes.put32(where.message, 0, work.next(2) ? size + work.next(9) - 4 : work.some(EDGES));
  },
  'message type'(work) {
    const where = work.place();
    if (where)
      work.bytes.put16(
        where.message,
        4,
        work.next(2) ? work.next(6) : work.bytes.u16(where.message, 4) + work.next(5) - 2,
      );
  },
  'end of another kind'(work) {
    const where = work.place();
    if (!where) return;
    const type = work.bytes.u16(where.message, 4);
    if (type === DONE || type === ERROR) work.bytes.put16(where.message, 4, type === DONE ? ERROR : DONE);
  },
  'attribute length'(work) {
    const where = work.place();
    const at = where && work.some(work.bytes.attributes(where.message, work.headerSize));
    if (where && at !== undefined)
      work.bytes.put16(
        where.message,
        at,
        work.next(2) ? work.bytes.u16(where.message, at) + work.next(9) - 4 : work.some(EDGES),
      );
  },
  'attribute number'(work) {
    const where = work.place();
    const at = where && work.some(work.bytes.attributes(where.message, work.headerSize));
    if (where && at !== undefined)
      work.bytes.put16(
        where.message,
        at + 2,
        work.next(2) ? work.next(24) : work.some([0x8000, 0x4000, 0xffff, 0x3fff]),
      );
  },
  'attribute lost'(work) {
    const where = work.place();
    if (!where) return;
    const at = work.some(work.bytes.attributes(where.message, work.headerSize));
    if (at === undefined) return;
    const size = (work.bytes.u16(where.message, at) + 3) & ~3;
    const { message } = where;
    const shorter = Buffer.concat([message.subarray(0, at), message.subarray(at + size)]);
    work.bytes.put32(shorter, 0, work.bytes.u32(message, 0) - size);
    where.list[where.at] = shorter;
  },
  'row without attributes'(work) {
    const where = work.place();
    if (!where || where.message.length < 16 + work.headerSize) return;
    const shorter = Buffer.from(where.message.subarray(0, 16 + work.headerSize));
    work.bytes.put32(shorter, 0, shorter.length);
    where.list[where.at] = shorter;
  },
  'message lost'(work) {
    const where = work.place();
    where?.list.splice(where.at, 1);
  },
  'message twice'(work) {
    work.insert((like) => Buffer.from(like));
  },
  'datagram lost'(work) {
    if (work.parts.length > 0) work.parts.splice(work.next(work.parts.length), 1);
  },
  'datagram twice'(work) {
    if (work.parts.length === 0) return;
    const at = work.next(work.parts.length);
    work.parts.splice(
      at,
      0,
      work.parts[at]!.map((message) => Buffer.from(message)),
    );
  },
  'messages in another order'(work) {
    const where = work.place();
    const other = work.place();
    if (!where || !other) return;
    where.list[where.at] = other.message;
    other.list[other.at] = where.message;
  },
  'no end'(work) {
    for (const list of work.parts) {
      const rest = list.filter((message) => ![DONE, ERROR].includes(work.bytes.u16(message, 4)));
      list.splice(0, list.length, ...rest);
    }
  },
  'an end more'(work) {
    work.insert((like) => work.bytes.like(like, work.some([DONE, ERROR]), work.some(ERRNOS)));
  },
  'an end without errno'(work) {
    const where = work.place();
    if (where) where.list[where.at] = work.bytes.like(where.message, work.some([DONE, ERROR]));
  },
  errno(work) {
    for (const list of work.parts)
      for (const message of list)
        if ([DONE, ERROR].includes(work.bytes.u16(message, 4)) && message.length >= 20)
          work.bytes.put32(message, 16, work.some(ERRNOS));
  },
  'refused at once'(work) {
    const where = work.place();
    if (where) work.parts = [[work.bytes.like(where.message, ERROR, work.some(ERRNOS))]];
  },
  sequence(work) {
    const where = work.place();
    if (where)
      work.bytes.put32(
        where.message,
        8,
        work.next(2) ? work.bytes.u32(where.message, 8) + work.next(3) - 1 : work.next(3),
      );
  },
  port(work) {
    const where = work.place();
    if (where) work.bytes.put32(where.message, 12, work.next(2) ? 0 : work.bytes.u32(where.message, 12) + 1);
  },
  sender(work) {
    if (work.parts.length > 0) work.foreign.add(work.some(work.parts));
  },
  interrupted(work) {
    const where = work.place();
    if (where) work.bytes.put16(where.message, 6, work.bytes.u16(where.message, 6) | DUMP_INTR);
  },
  'text of the kernel'(work) {
    const where = work.place();
    if (where)
      work.bytes.put16(
        where.message,
        6,
        work.bytes.u16(where.message, 6) | ACK_TLVS | (work.next(2) ? 0x100 : 0),
      );
  },
  noop(work) {
    work.insert((like) => work.bytes.like(like, NOOP));
  },
  overrun(work) {
    work.insert((like) => work.bytes.like(like, OVERRUN));
  },
  truncated(work) {
    if (work.parts.length > 0) work.truncated.add(work.some(work.parts));
  },
  'cut short'(work) {
    const where = work.place();
    if (where) where.list[where.at] = Buffer.from(where.message.subarray(0, work.next(where.message.length)));
  },
  'bytes more'(work) {
    work.insert(() => Buffer.alloc(1 + work.next(20), work.some([0, 0xff, 1])));
  },
  'other datagrams'(work) {
    const all = work.parts.flat();
    work.parts = [];
    while (all.length > 0) work.parts.push(all.splice(0, 1 + work.next(4)));
  },
  nothing() {},
};

const NAMES = Object.keys(KINDS);
const BYTES = { LE: new Bytes('LE'), BE: new Bytes('BE') };

/**
 * @param answer datagrams of the kernel, in order
 * @param headerSize bytes in front of the attributes of rows
 * @returns what is left of it, and the names of what was done
 */
export function damage(
  answer: readonly Buffer[],
  headerSize: number,
  order: Order,
  next: Random,
): { datagrams: Datagram[]; names: string[] } {
  const work = new Work(answer, headerSize, BYTES[order], next);
  const names: string[] = [];
  for (let count = 1 + (next(3) === 0 ? 1 + next(2) : 0); count > 0; count--) {
    const name = work.some(NAMES);
    names.push(name);
    KINDS[name]!(work);
  }
  const datagrams = work.parts.map((list) => ({
    data: Buffer.concat(list),
    from: work.foreign.has(list) ? 4242 : 0,
    ...(work.truncated.has(list) && { truncated: 70_000 }),
  }));
  return { datagrams, names };
}
