// SPDX-License-Identifier: MIT
/** One netlink socket: requests with acknowledgement and streamed dumps, one at a time. */
import { MalformedError } from './codec.ts';
import { errnoName } from './errno.ts';
import { NetlinkError, type NetlinkOperation } from './error.ts';
import { encodeMessage, type Message, messages, readStatus, type Status } from './message.ts';
import { Dump, type Exchange, Transaction } from './transaction.ts';
import { kernelTransport, type RawSocket, type Transport } from './transport.ts';
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from './uapi/netlink.ts';

export interface ConnectionOptions {
  /** where to connect to; the running kernel by default */
  transport?: Transport;
  /**
   * longest silence of the kernel in milliseconds before a request fails with ERR_TIMEOUT; default 10,000. Only silence
   * while this process runs counts, so a busy or stopped machine makes no request fail.
   */
  timeoutMs?: number;
  /** sees every message that goes out or comes in (see `debug.ts`) */
  trace?: Trace | undefined;
}

export type Trace = (direction: 'send' | 'receive', message: Message, exchange: Exchange<unknown>) => void;

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * The deadline is divided into this many parts. If the process does not run for a while, because the machine is busy or
 * the process is stopped, all its timers are due at once. That counts as one part only, and replies that have arrived
 * meanwhile are read before the next part begins.
 */
const DEADLINE_PARTS = 10;

/** How often a dump that the kernel marks as inconsistent is repeated before that is reported. */
const INTERRUPTED_RETRIES = 3;

export class Connection {
  readonly transport: Transport;
  readonly #socket: RawSocket;
  readonly #portId: number;
  readonly #timeoutMs: number;
  readonly #trace: Trace | undefined;
  #sequence = Math.floor(Math.random() * 0x7fff_ffff);
  #current: Transaction<unknown> | undefined;
  /** resolves when the previous exchange is over; the kernel runs one dump per socket */
  #queue: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #dead: NetlinkError | undefined;

  private constructor(socket: RawSocket, options: ConnectionOptions, transport: Transport) {
    this.transport = transport;
    this.#socket = socket;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#trace = options.trace;
    // An exception thrown by one of these callbacks would pass through C code in the addon and abort the process.
    // So each body is wrapped (#guard), and the error listener is registered from the start.
    socket.on('message', (data, from) => this.#guard(() => this.#receive(data, from.port)));
    socket.on('truncatedMessage', (_data, from) =>
      this.#guard(() => {
        // a reply that nobody waits for is ignored here, too
        if (from.port === 0 && this.#current)
          this.#fail('receive', 'ERR_TRUNCATED', `a datagram of ${from.truncated ?? 'unknown'} bytes`);
      }),
    );
    socket.on('error', (cause) =>
      this.#guard(() => {
        const { code, errno } = cause as NodeJS.ErrnoException;
        this.#die(
          new NetlinkError({
            op: 'receive',
            code: code ?? 'ERR_UNKNOWN',
            errno: positive(errno),
            cause,
            ...this.#labels(),
          }),
        );
      }),
    );
    this.#portId = socket.address().port;
  }

  /**
   * Opens a socket of a netlink protocol. It keeps the process alive until it is closed.
   * @throws NetlinkError with op "load netlink addon" or "open socket"
   */
  static async open(protocol: number, options: ConnectionOptions = {}): Promise<Connection> {
    const transport = options.transport ?? kernelTransport;
    return new Connection(await transport.open(protocol), options, transport);
  }

  /**
   * Sends one command and waits for its acknowledgement.
   * @returns the data messages that came before the acknowledgement, decoded
   * @throws NetlinkError
   */
  async request<T>(exchange: Exchange<T>): Promise<T[]> {
    const transaction = await this.#begin(exchange, false);
    const rows: T[] = [];
    for (;;) {
      const row = await transaction.next();
      if (row === undefined) return rows;
      rows.push(row);
    }
  }

  /** Starts a dump when its first row is asked for. */
  dump<T>(exchange: Exchange<T>): Dump<T> {
    return new Dump(() => this.#begin(exchange, true));
  }

  /**
   * Reads a whole (small) table. If it changed meanwhile, it is read again, up to three times.
   * @throws NetlinkError with code ERR_INTERRUPTED when it changed each time
   */
  async dumpAll<T>(exchange: Exchange<T>): Promise<T[]> {
    for (let attempt = 0; ; attempt++) {
      const dump = this.dump(exchange);
      const rows: T[] = [];
      for await (const row of dump) rows.push(row);
      if (!dump.interrupted) return rows;
      if (attempt === INTERRUPTED_RETRIES) throw this.#error(exchange, 'dump', 'ERR_INTERRUPTED');
    }
  }

  /** Closes the socket; pending requests fail with ERR_CLOSED. Can be called more than once. */
  close(): void {
    this.#die(new NetlinkError({ op: 'receive', code: 'ERR_CLOSED', ...this.#labels() }));
  }

  async #begin<T>(exchange: Exchange<T>, isDump: boolean): Promise<Transaction<T>> {
    const before = this.#queue;
    let release!: () => void;
    this.#queue = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    if (this.#dead) {
      release();
      const { code, detail } = this.#dead;
      throw this.#error(exchange, isDump ? 'dump' : 'request', code, this.#dead, undefined, detail);
    }
    this.#sequence = (this.#sequence + 1) >>> 0 || 1;
    const transaction = new Transaction(exchange, isDump, this.#sequence, () => {
      clearTimeout(this.#timer);
      this.#current = undefined;
      release();
    });
    this.#current = transaction as Transaction<unknown>;
    const flags = NLM_F_REQUEST | (isDump ? NLM_F_DUMP : NLM_F_ACK);
    const data = encodeMessage(
      { type: exchange.type, flags, sequence: this.#sequence },
      exchange.payload,
      this.transport.order,
    );
    const failed = (cause: unknown): void => {
      const { code, errno } = cause as NodeJS.ErrnoException;
      const detail = cause instanceof NetlinkError ? cause.detail : undefined;
      transaction.end(this.#error(exchange, 'send', code ?? 'ERR_UNKNOWN', cause, positive(errno), detail));
    };
    try {
      if (this.#trace)
        for (const message of messages(data, this.transport.order))
          this.#trace('send', message, exchange as Exchange<unknown>);
      this.#armTimer(transaction as Transaction<unknown>);
      this.#socket.send(data, undefined, (cause) => this.#guard(() => cause && failed(cause)));
    } catch (cause) {
      failed(cause);
    }
    return transaction;
  }

  #receive(data: Buffer, senderPort: number): void {
    if (senderPort !== 0) return; // sent by another process; only messages from the kernel are accepted
    const transaction = this.#current;
    if (!transaction) return;
    transaction.silentParts = -1; // the current part has already begun, so it is not counted
    const { exchange } = transaction;
    try {
      let end: Status | undefined;
      for (const message of messages(data, this.transport.order)) {
        // a success must be the last message
        if (end) throw new MalformedError('a message after the end of the answer');
        this.#checkAddress(transaction, message);
        this.#trace?.('receive', message, exchange);
        end = this.#accept(transaction, message);
        if (end?.errno) break; // a failure is valid, whatever follows
      }
      if (end) transaction.end(end.errno === 0 ? undefined : this.#failure(transaction, end));
    } catch (cause) {
      if (!(cause instanceof MalformedError)) throw cause;
      // the kernel may continue its dump, so this socket cannot be used for another request
      this.#die(
        new NetlinkError({
          op: 'decode',
          code: 'ERR_MALFORMED',
          family: exchange.family,
          command: exchange.command,
          detail: cause.message,
          cause,
        }),
      );
    }
    transaction.wake();
  }

  /**
   * Every message from the kernel belongs to the current exchange: there is only one at a time, there are no multicast
   * groups, and a connection that got a bad reply is closed. Skipping a message as foreign could silently lose a row.
   * @throws MalformedError
   */
  #checkAddress({ sequence }: Transaction<unknown>, message: Message): void {
    if (message.type === NLMSG_NOOP) return;
    if (message.portId !== this.#portId)
      throw new MalformedError(`a message for port ${message.portId}, not for ${this.#portId}`);
    if (message.sequence !== sequence)
      throw new MalformedError(`an answer to request ${message.sequence}, not to ${sequence}`);
  }

  /** @returns the end of the reply, if this message is it; @throws MalformedError */
  #accept(transaction: Transaction<unknown>, message: Message): Status | undefined {
    const { exchange, isDump } = transaction;
    if (message.type === NLMSG_NOOP) return undefined;
    if (message.flags & NLM_F_DUMP_INTR) transaction.interrupted = true;
    switch (message.type) {
      case NLMSG_OVERRUN:
        this.#fail('receive', 'ERR_OVERRUN');
        return undefined;
      case NLMSG_DONE:
        if (!isDump) throw new MalformedError('DONE, which ends a dump, in place of an acknowledgement');
        return readStatus(message, this.transport.order);
      case NLMSG_ERROR: {
        const status = readStatus(message, this.transport.order);
        // an ERROR refuses a dump; a dump that succeeds ends with DONE
        if (isDump && status.errno === 0) throw new MalformedError('an acknowledgement in place of DONE');
        return status;
      }
    }
    const { type, replyType = type } = exchange;
    if (message.type !== replyType)
      throw new MalformedError(`a message of type ${message.type}, not of type ${replyType}`);
    transaction.push(exchange.decode(message));
    return undefined;
  }

  #failure({ exchange, isDump }: Transaction<unknown>, { errno, kernelMessage }: Status): NetlinkError {
    const { family, command, op = isDump ? 'dump' : 'request' } = exchange;
    return new NetlinkError({ op, code: errnoName(errno), errno, family, command, kernelMessage });
  }

  #armTimer(transaction: Transaction<unknown>): void {
    const arm = (): void => {
      this.#timer = setTimeout(() => {
        // Timers run before the poll phase. If the consumer was blocked by a slow reader, data may be waiting in the
        // socket. So let the poll phase run first.
        setImmediate(() => {
          if (this.#current !== transaction) return;
          if (++transaction.silentParts < DEADLINE_PARTS) arm();
          else this.#fail('receive', 'ERR_TIMEOUT', `no answer within ${this.#timeoutMs} ms`);
        });
      }, this.#timeoutMs / DEADLINE_PARTS);
    };
    arm();
  }

  /** Ends the current exchange, and closes the socket, because more replies to this exchange may arrive on it. */
  #fail(op: NetlinkOperation, code: string, detail?: string): void {
    this.#die(new NetlinkError({ op, code, detail, ...this.#labels() }));
  }

  #die(error: NetlinkError): void {
    if (this.#dead) return;
    this.#dead = error;
    this.#current?.end(error);
    // Never close inside a callback of the addon: it may still have a queued send.
    setImmediate(() => this.#guard(() => this.#socket.close()));
  }

  #guard(body: () => void): void {
    try {
      body();
    } catch (cause) {
      this.#die(
        cause instanceof NetlinkError
          ? cause
          : new NetlinkError({
              op: 'decode',
              code: 'ERR_MALFORMED',
              detail: String(cause),
              cause,
              ...this.#labels(),
            }),
      );
    }
  }

  #labels(): { family?: string; command?: string } {
    const exchange = this.#current?.exchange;
    return exchange ? { family: exchange.family, command: exchange.command } : {};
  }

  #error(
    exchange: Exchange<never> | Exchange<unknown>,
    op: NetlinkOperation,
    code: string,
    cause?: unknown,
    errno?: number,
    detail?: string,
  ): NetlinkError {
    const { family, command } = exchange;
    return new NetlinkError({ op, code, errno, family, command, detail, cause });
  }
}

/** errno is negative in errors of Node, and positive in those of the addon. */
function positive(errno: number | undefined): number | undefined {
  return errno === undefined ? undefined : Math.abs(errno);
}
