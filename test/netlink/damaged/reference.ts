// SPDX-License-Identifier: MIT
/**
 * What an answer of the kernel is worth, found out independently of src/: written from the rules of netlink and from the
 * kernel's headers, with other means. Whatever the client makes of an answer has to agree with it.
 */

/** A datagram, as the socket gives it. */
export interface Datagram {
  data: Buffer;
  /** port of the sender; 0 is the kernel */
  from: number;
  /** set when it did not fit the receive buffer: its real size */
  truncated?: number;
}

export type Verdict =
  /** `interrupted`: by its own word the table changed while it was read */
  | { kind: 'complete'; rows: Buffer[]; interrupted: boolean }
  | { kind: 'failed'; errno: number; rows: Buffer[] }
  | { kind: 'malformed' | 'truncated' | 'overrun' | 'incomplete'; rows: Buffer[] };

type Order = 'LE' | 'BE';

/** Layouts of attributes: number, type, `!` for "always sent"; a nest in braces; `[]` for a list of nests. */
type Layout = Map<number, { type: string; nest: Layout | undefined; isRequired: boolean }>;

function layout(text: string): Layout {
  const words = text.match(/[{}]|[^\s{}]+/g) ?? [];
  const read = (): Layout => {
    const found: Layout = new Map();
    for (let word = words.shift(); word !== undefined && word !== '}'; word = words.shift()) {
      const type = words.shift()!;
      const isNest = words[0] === '{';
      if (isNest) words.shift();
      const nest = isNest ? read() : undefined;
      found.set(Number(word), { type: type.replace('!', ''), nest, isRequired: type.endsWith('!') });
    }
    return found;
  };
  return read();
}

const V2_COMMON = '{ 0 u8 1 u8 2 u8 3 text 4 text }';
const LGR_SMCR = `nest! { 1 u32! 2 u8 3 u8 4 text 5 u8 6 u32 7 nest ${V2_COMMON} 8 nest { 1 u8 2 u8 3 u8 } 9 u64 11 u8 12 uint 13 uint }`;
const LINK_SMCR = 'nest { 1 u8! 2 text 3 u8 4 text 5 text 6 u32 7 u32 8 u32 9 u32 10 u32 }';
const LGR_SMCD = `nest! { 1 u32! 2 u64 3 u64 4 u8 5 u32 6 text 7 uint 9 nest ${V2_COMMON} 10 u64 11 u64 12 uint 13 uint }`;
const PCI = '2 u8 3 u32 4 u16 5 u16 6 u16 7 text';
const PORT = '{ 1 u8 2 text 3 u32 4 u8 5 u8! 6 u32 }';
const SIZES = '{ 1 u64 2 u64 3 u64 4 u64 5 u64 6 u64 7 u64 8 u64 9 u64 }';
const BUFFERS = '{ 1 u64 2 u64 3 u64 4 u64 5 u64 6 u64 7 u64 }';
const COUNTERS = Array.from({ length: 13 }, (_, at) => `${at + 7} u64`).join(' ');
const TECHNOLOGY = `{ 1 nest ${SIZES} 2 nest ${SIZES} 3 nest ${SIZES} 4 nest ${SIZES} 5 nest ${BUFFERS} 6 nest ${BUFFERS} ${COUNTERS} 20 uint 21 uint }`;

/** include/uapi/linux/smc.h; the commands that give data, by family and number */
const COMMANDS: Record<string, Record<number, string>> = {
  nlctrl: { 3: '1 u16! 2 text! 3 u32! 5 u32 6 list { 1 u32! 2 u32 }' },
  SMC_PNETID: { 1: '1 text! 2 text! 3 text! 4 u8!' },
  SMC_GEN_NETLINK: {
    1: '1 nest! { 1 u8 2 u8 3 u8 4 text 5 text 6 u8 }',
    2: `2 ${LGR_SMCR}`,
    3: `2 ${LGR_SMCR.replace('!', '')} 3 ${LINK_SMCR}`,
    4: `4 ${LGR_SMCD}`,
    5: `5 nest! { 1 u32! ${PCI} 8 nest { 1 u8 2 text } }`,
    6: `6 nest! { ${PCI} 8 nest ${PORT} 9 nest ${PORT} 10 text! }`,
    7: `7 nest! { 1 nest ${TECHNOLOGY} 2 nest ${TECHNOLOGY} 3 u64 4 u64 }`,
    8: '8 nest! { 1 u8! 2 u64 3 u64 4 u32! 5 u16! }',
    9: '1 text!',
    13: '1 text 2 u8',
    16: '1 u8!',
  },
};

/** SMC_DIAG_*: smallest sizes of the structs */
const SMC_DIAG = '1 struct76 2 struct147 3 u8 4 struct40 5 struct8';
const IFA = '1 any 2 any 8 u32';

const LAYOUTS: Record<string, Record<number, Layout>> = Object.fromEntries(
  Object.entries(COMMANDS).map(([family, commands]) => [
    family,
    Object.fromEntries(Object.entries(commands).map(([number, text]) => [number, layout(text)])),
  ]),
);
const CONTROLLER = LAYOUTS['nlctrl']![3]!;
const NOTHING: Layout = new Map();
const SMC_DIAG_LAYOUT = layout(SMC_DIAG);
const IFA_LAYOUT = layout(IFA);

/** What was asked, as far as the answer depends on it. */
export interface Asked {
  isDump: boolean;
  sequence: number;
  /** of the socket that asks */
  port: number;
  /** nlmsg_type of rows */
  rowType: number;
  /** bytes in front of the attributes */
  headerSize: number;
  /** genl command numbers of rows; undefined: no generic netlink */
  rowCommands: readonly number[] | undefined;
  attributes: Layout | undefined;
  /** the whole answer, when all its messages are in order */
  isWhole: (rows: readonly Buffer[]) => boolean;
}

const NETLINK_ROUTE = 0;
const NETLINK_SOCK_DIAG = 4;
const AF_SMC = 43;

export class Reference {
  readonly #order: Order;
  /** names of the generic netlink families by the ids that answers gave */
  readonly #families = new Map<number, string>();

  constructor(order: Order) {
    this.#order = order;
  }

  #u16 = (data: Buffer, at: number): number =>
    this.#order === 'LE' ? data[at]! | (data[at + 1]! << 8) : (data[at]! << 8) | data[at + 1]!;

  #u32 = (data: Buffer, at: number): number =>
    this.#order === 'LE'
      ? this.#u16(data, at) + this.#u16(data, at + 2) * 0x1_0000
      : this.#u16(data, at) * 0x1_0000 + this.#u16(data, at + 2);

  /** The family that is called so from now on. */
  name(id: number, name: string): void {
    this.#families.set(id, name);
  }

  /** A name for people and tables: "SMC_GEN_NETLINK 4 dump". */
  describe(protocol: number, request: Buffer): string {
    const isDump = (this.#u16(request, 6) & 0x300) === 0x300;
    const type = this.#u16(request, 4);
    if (protocol !== 16) return `protocol ${protocol}, family ${request[16]}`;
    const family = type === 16 ? 'nlctrl' : (this.#families.get(type) ?? '?');
    return `${family} ${request[16]} ${isDump ? 'dump' : 'do'}`;
  }

  /** Reads a request. @param port of the socket that sends it */
  asked(protocol: number, request: Buffer, port: number): Asked {
    const type = this.#u16(request, 4);
    const common = {
      isDump: (this.#u16(request, 6) & 0x300) === 0x300,
      sequence: this.#u32(request, 8),
      port,
      rowType: type,
      rowCommands: undefined,
      isWhole: () => true,
    };
    if (protocol === NETLINK_ROUTE) return { ...common, rowType: 20, headerSize: 8, attributes: IFA_LAYOUT };
    if (protocol === NETLINK_SOCK_DIAG) {
      const isSmc = request[16] === AF_SMC;
      return { ...common, headerSize: isSmc ? 64 : 52, attributes: isSmc ? SMC_DIAG_LAYOUT : undefined };
    }
    const command = request[16]!;
    const family = type === 16 ? 'nlctrl' : (this.#families.get(type) ?? '?');
    const rowCommands =
      family === 'nlctrl' ? [1] : family === 'SMC_GEN_NETLINK' && command === 3 ? [2, 3] : [command];
    return {
      ...common,
      headerSize: 4,
      rowCommands,
      attributes: LAYOUTS[family]?.[command] ?? NOTHING,
      isWhole: (rows) => this.#isWhole(family, command, common.isDump, rows, request),
    };
  }

  /** Rules for the answer as a whole; one that breaks them is malformed though each message is in order. */
  #isWhole(
    family: string,
    command: number,
    isDump: boolean,
    rows: readonly Buffer[],
    request: Buffer,
  ): boolean {
    const ids = (row: Buffer): Map<number, Buffer> => this.#attributesOf(row, 4);
    const text = (data: Buffer | undefined): string => data?.toString('latin1').replace(/\0.*$/s, '') ?? '';
    if (family === 'nlctrl') {
      const isFamily = (row: Buffer): boolean => {
        const id = this.#u16(ids(row).get(1)!, 0);
        return id >= 16 && id <= 1023;
      };
      if (!rows.every(isFamily)) return false;
      if (isDump) return true;
      const asked = text(this.#attributesOf(request.subarray(16), 4).get(2));
      return rows.length === 1 && text(ids(rows[0]!).get(2)) === asked;
    }
    if (family !== 'SMC_GEN_NETLINK') return true;
    if ([1, 7, 13, 16].includes(command) && rows.length !== 1) return false;
    if (command === 13) return ids(rows[0]!).has(1) === ids(rows[0]!).has(2);
    if (command === 3)
      return rows.every((row, at) => {
        const isGroup = ids(row).has(2);
        return isGroup !== ids(row).has(3) && (at > 0 || isGroup);
      });
    return true;
  }

  /** Data by number, the last of each; of well-formed attributes. */
  #attributesOf(data: Buffer, from: number): Map<number, Buffer> {
    const found = new Map<number, Buffer>();
    for (let at = from; data.length - at >= 4; at += Math.ceil(this.#u16(data, at) / 4) * 4)
      found.set(this.#u16(data, at + 2) & 0x3fff, data.subarray(at + 4, at + this.#u16(data, at)));
    return found;
  }

  judge(asked: Asked, datagrams: readonly Datagram[]): Verdict {
    const rows: Buffer[] = [];
    let interrupted = false;
    for (const { data, from, truncated } of datagrams) {
      if (from !== 0) continue;
      if (truncated !== undefined) return { kind: 'truncated', rows };
      let isOver = false;
      let at = 0;
      while (at < data.length) {
        // nothing comes behind a good end, not even half a message
        const size = data.length - at >= 16 ? this.#u32(data, at) : 0;
        if (isOver || size < 16 || size > data.length - at) return { kind: 'malformed', rows };
        const type = this.#u16(data, at + 4);
        const payload = data.subarray(at + 16, at + size);
        const flags = this.#u16(data, at + 6);
        const sequence = this.#u32(data, at + 8);
        const port = this.#u32(data, at + 12);
        at += Math.ceil(size / 4) * 4;
        if (type === 1) continue; // NLMSG_NOOP
        if (sequence !== asked.sequence || port !== asked.port) return { kind: 'malformed', rows };
        if (flags & 0x10) interrupted = true; // NLM_F_DUMP_INTR
        if (type === 4) return { kind: 'overrun', rows };
        if (type === 2 || type === 3) {
          const isDone = type === 3;
          if (isDone && !asked.isDump) return { kind: 'malformed', rows };
          const errno = payload.length < 4 ? 1 : this.#u32(payload, 0) | 0;
          if (errno > 0 || errno < -4095) return { kind: 'malformed', rows };
          if (errno < 0) return { kind: 'failed', errno: -errno, rows };
          if (!isDone && asked.isDump) return { kind: 'malformed', rows };
          isOver = true;
          continue;
        }
        if (type !== asked.rowType || !this.#isRow(asked, payload)) return { kind: 'malformed', rows };
        rows.push(payload);
      }
      if (isOver) {
        if (asked.isDump && interrupted) return { kind: 'complete', rows, interrupted };
        return { kind: asked.isWhole(rows) ? 'complete' : 'malformed', rows, interrupted: false };
      }
    }
    return { kind: 'incomplete', rows };
  }

  #isRow({ headerSize, rowCommands, attributes }: Asked, payload: Buffer): boolean {
    if (payload.length < headerSize || (rowCommands && !rowCommands.includes(payload[0]!))) return false;
    if (!attributes) return true;
    // the controller's numbers of families are looked at with each message
    if (attributes === CONTROLLER) {
      if (!this.#fits(attributes, payload, headerSize, payload.length)) return false;
      const id = this.#u16(this.#attributesOf(payload, 4).get(1)!, 0);
      return id >= 16 && id <= 1023;
    }
    return this.#fits(attributes, payload, headerSize, payload.length);
  }

  #fits(attributes: Layout, data: Buffer, from: number, end: number): boolean {
    const seen = new Set<number>();
    let at = from;
    while (end - at >= 4) {
      const size = this.#u16(data, at);
      if (size < 4 || size > end - at) return false;
      const number = this.#u16(data, at + 2) & 0x3fff;
      const known = attributes.get(number);
      if (known && !this.#isOfType(known.type, known.nest, data, at + 4, size - 4)) return false;
      seen.add(number);
      at += Math.ceil(size / 4) * 4;
    }
    for (const [number, { isRequired }] of attributes) if (isRequired && !seen.has(number)) return false;
    return true;
  }

  #isOfType(type: string, nest: Layout | undefined, data: Buffer, at: number, length: number): boolean {
    switch (type) {
      case 'u8':
        return length === 1;
      case 'u16':
        return length === 2;
      case 'u32':
        return length === 4;
      case 'u64':
        return length === 8;
      case 'uint':
        return length === 1 || length === 2 || length === 4 || length === 8;
      case 'nest':
        return this.#fits(nest!, data, at, at + length);
      case 'list': {
        const end = at + length;
        for (let one = at; end - one >= 4; one += Math.ceil(this.#u16(data, one) / 4) * 4) {
          const size = this.#u16(data, one);
          if (size < 4 || size > end - one || !this.#fits(nest!, data, one + 4, one + size)) return false;
        }
        return true;
      }
      case 'text':
      case 'any':
        return true;
      default:
        return length >= Number(type.replace('struct', ''));
    }
  }
}
