// SPDX-License-Identifier: MIT
/** A raw socket whose every event is played by the test, and a small exchange to run over it. */
import { hostByteOrder, u32 } from '../../src/netlink/codec.ts';
import { encodeMessage, type Message, messages } from '../../src/netlink/message.ts';
import { attrs, type Infer } from '../../src/netlink/schema.ts';
import type { Exchange } from '../../src/netlink/transaction.ts';
import type { RawSocket, Transport } from '../../src/netlink/transport.ts';
import { NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR } from '../../src/netlink/uapi/netlink.ts';

export const order = hostByteOrder;
export const PORT = 4711;
export const DATA_TYPE = 20;

export const row = attrs('ROW', { value: [1, u32, 'required'] });

/** An exchange whose rows are `{ value }`. */
export function exchange(command = 'GET'): Exchange<Infer<typeof row>> {
  return {
    family: 'TEST',
    command,
    type: DATA_TYPE,
    payload: Buffer.alloc(4),
    request: {},
    reply: { attributes: row },
    decode: ({ data, offset, length }) => row.decode(data, offset, length, order),
  };
}

type Listener = (...args: unknown[]) => void;

export class ScriptedSocket implements Transport {
  readonly order = order;
  readonly sent: Message[] = [];
  closed = 0;
  /** what left a callback: with the real addon each one would abort the process */
  readonly escaped: unknown[] = [];
  /** called for every request, in the turn after it was sent */
  onRequest: ((request: Message) => void) | undefined;
  /** replaces the way `send` ends */
  onSend: ((callback: (error?: Error) => void) => void) | undefined;
  readonly #listeners = new Map<string, Listener>();

  async open(): Promise<RawSocket> {
    return {
      on: (event: string, listener: unknown) => this.#listeners.set(event, listener as Listener),
      send: (data, _options, callback) => {
        const [request] = [...messages(data, order)];
        this.sent.push(request!);
        let isRefused = false;
        if (this.onSend)
          this.onSend((error) => {
            isRefused = error !== undefined;
            this.#call(callback as Listener, error);
          });
        else this.#call(callback as Listener);
        if (!isRefused) setImmediate(() => this.onRequest?.(request!));
      },
      address: () => ({ port: PORT }),
      close: () => {
        this.closed++;
      },
    };
  }

  /** A datagram arrives, its messages glued together. */
  deliver(parts: Buffer[] | Buffer, from = 0): void {
    this.emit('message', Array.isArray(parts) ? Buffer.concat(parts) : parts, { port: from });
  }

  emit(event: string, ...args: unknown[]): void {
    const listener = this.#listeners.get(event);
    if (!listener) throw new Error(`nobody listens to ${event}`);
    this.#call(listener, ...args);
  }

  #call(listener: Listener, ...args: unknown[]): void {
    try {
      listener(...args);
    } catch (error) {
      this.escaped.push(error);
    }
  }
}

interface Overrides {
  type?: number;
  flags?: number;
  sequence?: number;
  portId?: number;
}

/** A message to the sender of a request. */
export function reply(request: Message, payload: Buffer, overrides: Overrides = {}): Buffer {
  const header = { type: DATA_TYPE, flags: NLM_F_MULTI, sequence: request.sequence, portId: PORT };
  return encodeMessage({ ...header, ...overrides }, payload, order);
}

export function rowOf(request: Message, value: number, overrides: Overrides = {}): Buffer {
  return reply(request, row.encode({ value }, order), overrides);
}

/** @param errno positive; 0 for success */
export function done(request: Message, errno = 0, overrides: Overrides = {}): Buffer {
  return reply(request, status(-errno), { type: NLMSG_DONE, ...overrides });
}

/** @param errno positive; 0 for an acknowledgement */
export function error(request: Message, errno: number, overrides: Overrides = {}): Buffer {
  const echo = encodeMessage({ ...request, portId: 0 }, Buffer.alloc(0), order);
  return reply(request, Buffer.concat([status(-errno), echo]), { type: NLMSG_ERROR, flags: 0, ...overrides });
}

export function status(value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeInt32LE(value);
  return order === 'LE' ? data : data.reverse();
}
