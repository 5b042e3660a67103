// SPDX-License-Identifier: MIT
/** One exchange with the kernel, and the rows that it returns. */
import type { Codec } from './codec.ts';
import type { NetlinkError, NetlinkOperation } from './error.ts';
import type { Message } from './message.ts';

/** A request, and how to read its replies. */
export interface Exchange<T> {
  /** names for errors and the debug dump */
  family: string;
  command: string;
  /** shown in errors instead of "request" or "dump" */
  op?: NetlinkOperation;
  /** nlmsg_type */
  type: number;
  /** nlmsg_type of the replies that carry data; that of the request by default */
  replyType?: number;
  payload: Buffer;
  /** layouts for the debug dump: the header before the attributes, then the attributes */
  request: Layout;
  reply: Layout;
  /** Reads one reply. Must not keep `message.data`. May throw MalformedError. */
  decode(message: Message): T;
}

/** Fixed header and attribute set of a message. */
export interface Layout {
  // biome-ignore lint/suspicious/noExplicitAny: any struct, any attribute set
  header?: (Codec<any> & { size: number }) | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: any struct, any attribute set
  attributes?: Codec<any> | undefined;
}

/** Rows and final state of one exchange; `Dump` and `request` read from it. */
export class Transaction<T> {
  readonly exchange: Exchange<T>;
  readonly isDump: boolean;
  readonly sequence: number;
  interrupted = false;
  /** the consumer has stopped early: rows are dropped, but the exchange still runs to its end */
  abandoned = false;
  /** parts of the deadline that have passed since the last datagram */
  silentParts = 0;
  #rows: T[] = [];
  #head = 0;
  #ended = false;
  #error: NetlinkError | undefined;
  #waiting: (() => void)[] = [];
  readonly #onEnd: () => void;

  constructor(exchange: Exchange<T>, isDump: boolean, sequence: number, onEnd: () => void) {
    this.exchange = exchange;
    this.isDump = isDump;
    this.sequence = sequence;
    this.#onEnd = onEnd;
  }

  push(row: T): void {
    if (this.abandoned || this.#ended) return;
    this.#rows.push(row);
  }

  /** Wakes a waiting consumer; once per datagram is enough. */
  wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }

  end(error?: NetlinkError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#onEnd();
    this.wake();
  }

  /** Next row; `undefined` at the end. Rows that arrived before a failure are returned first. */
  async next(): Promise<T | undefined> {
    while (this.#head === this.#rows.length) {
      if (this.#isOver()) return undefined;
      await this.#arrival();
    }
    const row = this.#rows[this.#head++];
    if (this.#head === this.#rows.length) {
      this.#rows.length = 0;
      this.#head = 0;
    }
    return row;
  }

  /** The same for all rows that are there: as a rule those of one datagram. */
  async nextRows(): Promise<T[] | undefined> {
    while (this.#head === this.#rows.length) {
      if (this.#isOver()) return undefined;
      await this.#arrival();
    }
    const rows = this.#head === 0 ? this.#rows : this.#rows.slice(this.#head);
    this.#rows = [];
    this.#head = 0;
    return rows;
  }

  #isOver(): boolean {
    if (this.#error) throw this.#error;
    return this.#ended;
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

/**
 * Rows of a dump, decoded one datagram at a time. The kernel produces the next part only when the last one has been
 * read, and a consumer that writes synchronously runs between two datagrams. So memory stays constant, however long
 * the table is. The socket cannot be paused, so rows accumulate while a consumer awaits something else.
 */
export class Dump<T> implements AsyncIterableIterator<T, undefined> {
  readonly #start: () => Promise<Transaction<T>>;
  #starting: Promise<Transaction<T>> | undefined;
  #transaction: Transaction<T> | undefined;
  #finished = false;

  /** @internal made by `Connection.dump` */
  constructor(start: () => Promise<Transaction<T>>) {
    this.#start = start;
  }

  /**
   * The table changed while it was read (NLM_F_DUMP_INTR): rows may be missing or occur twice. Valid after the
   * last row. No SMC interface sets it up to Linux 7.x; the generic netlink controller can.
   */
  get interrupted(): boolean {
    return this.#transaction?.interrupted ?? false;
  }

  /** @throws NetlinkError */
  async next(): Promise<IteratorResult<T, undefined>> {
    const value = await this.#read((transaction) => transaction.next());
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  /**
   * All rows that have arrived and were not read, at least one; `undefined` at the end. For long tables: a promise for each
   * row takes longer than the row.
   * @throws NetlinkError
   */
  nextRows(): Promise<T[] | undefined> {
    return this.#read((transaction) => transaction.nextRows());
  }

  async #read<R>(read: (transaction: Transaction<T>) => Promise<R | undefined>): Promise<R | undefined> {
    if (this.#finished) return undefined;
    this.#starting ??= this.#start();
    this.#transaction ??= await this.#starting;
    let value: R | undefined;
    try {
      value = await read(this.#transaction);
    } finally {
      this.#finished = value === undefined;
    }
    return value;
  }

  /** The consumer stops early: the remaining rows are read and dropped. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#finished = true;
    if (this.#transaction) this.#transaction.abandoned = true;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
