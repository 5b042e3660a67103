// SPDX-License-Identifier: MIT
/**
 * A kernel for unit tests, below the real connection: it reads requests as bytes and answers with datagrams, encoded by
 * the same schemas. It proves nothing about real kernels; the guest tests do that.
 */
import { constants } from 'node:os';
import { type ByteOrder, type Codec, hostByteOrder } from '../../src/netlink/codec.ts';
import type { GenlCommand } from '../../src/netlink/family.ts';
import { genlHeader } from '../../src/netlink/genetlink.ts';
import { encodeMessage, type Message, messages } from '../../src/netlink/message.ts';
import type { RawSocket, Transport } from '../../src/netlink/transport.ts';
import { inetDiagMessage, inetDiagRequest } from '../../src/netlink/uapi/inet-diag.ts';
import {
  CTRL_CMD_NEWFAMILY,
  controller,
  GENL_ID_CTRL,
  NETLINK_GENERIC,
  NETLINK_SOCK_DIAG,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
} from '../../src/netlink/uapi/netlink.ts';
import {
  addressAttributes,
  addressMessage,
  NETLINK_ROUTE,
  RTM_NEWADDR,
} from '../../src/netlink/uapi/rtnetlink.ts';
import { smcDiagAttributes, smcDiagMessage, smcDiagRequest } from '../../src/netlink/uapi/smc-diag.ts';
import { AF_INET } from '../../src/netlink/uapi/socket.ts';

/** A handler throws this to answer with an errno: an ERROR, or with `late` (dumps only) a DONE after the rows. */
export class Errno extends Error {
  readonly code: string;
  /** rows that a failing dump sends before its DONE */
  readonly rows: object[] | undefined;

  constructor(code: string, rows?: object[]) {
    super(code);
    this.code = code;
    this.rows = rows;
  }
}

/** Is called with the attributes of the request; returns the rows of the reply. */
export type Handler = (attributes: Record<string, unknown>) => object[] | undefined;

type Commands = Readonly<Record<string, GenlCommand<never, unknown>>>;

interface ServedCommand {
  command: GenlCommand<never, unknown>;
  handler: Handler;
}

/** Answers raw bytes; for the connection's own tests. Returns datagrams; `undefined` falls through. */
export type RawHandler = (request: Message, protocol: number) => Buffer[] | undefined;

export class FakeKernel implements Transport {
  readonly order: ByteOrder;
  /** "FAMILY COMMAND" of every request, in order */
  readonly log: string[] = [];
  /** sockets that are currently open */
  openSockets = 0;
  /** called first; if it answers, nothing else is called */
  raw: RawHandler | undefined;
  /** rows of an SMC socket dump: the fields of smc_diag_msg, attributes under `attributes` */
  sockets: Handler | undefined;
  /**
   * rows of a TCP socket dump: the fields of inet_diag_msg. The function is called with the
   * fields of the request. The rows are filtered by its family and states, as the kernel does.
   */
  tcpSockets: Handler | undefined;
  /** rows of a dump of IP addresses: the fields of ifaddrmsg, attributes under `attributes` */
  addresses: Handler = () => [];
  /** maximum size of a dump datagram in bytes; small, so that a dump always needs several */
  datagramSize = 256;
  readonly #families = new Map<string, { id: number; commands: Map<number, ServedCommand> }>();
  #port = 100;

  constructor(order: ByteOrder = hostByteOrder) {
    this.order = order;
  }

  /** Offers a family with handlers for some of its commands; the others answer EOPNOTSUPP. */
  serve<C extends object>(
    commands: C,
    handlers: { [K in keyof C]?: Handler },
    id = 30 + this.#families.size,
  ): this {
    const table = new Map<number, ServedCommand>();
    let name = '';
    for (const [key, command] of Object.entries(commands as unknown as Commands)) {
      name = command.family;
      const handler = (handlers as Record<string, Handler | undefined>)[key];
      if (handler) table.set(command.id, { command, handler });
    }
    this.#families.set(name, { id, commands: table });
    return this;
  }

  /** Removes a family, as if its module was unloaded. */
  unload(name: string): void {
    this.#families.delete(name);
  }

  async open(protocol: number): Promise<RawSocket> {
    const port = ++this.#port;
    const listeners = new Map<string, ((...args: never[]) => void)[]>();
    let isOpen = true;
    this.openSockets++;
    const kernel = this;
    return {
      on(event: string, listener: (...args: never[]) => void) {
        listeners.set(event, [...(listeners.get(event) ?? []), listener]);
      },
      send(data, _options, callback) {
        callback();
        const queue = [...messages(data, kernel.order)].flatMap((message) =>
          kernel.#answer({ ...message, portId: port }, protocol),
        );
        // one datagram per turn of the event loop, as the addon delivers them
        const next = (): void => {
          const datagram = queue.shift();
          if (!datagram || !isOpen) return;
          for (const listener of listeners.get('message') ?? [])
            (listener as (data: Buffer, from: { port: number }) => void)(datagram, { port: 0 });
          setImmediate(next);
        };
        setImmediate(next);
      },
      address: () => ({ port }),
      close() {
        if (isOpen) kernel.openSockets--;
        isOpen = false;
      },
    };
  }

  #answer(request: Message, protocol: number): Buffer[] {
    const raw = this.raw?.(request, protocol);
    if (raw) return raw;
    if (protocol === NETLINK_SOCK_DIAG) return this.#answerDiag(request);
    if (protocol === NETLINK_GENERIC) return this.#answerGeneric(request);
    if (protocol === NETLINK_ROUTE) return this.#answerRoute(request);
    return [];
  }

  #answerGeneric(request: Message): Buffer[] {
    const { data, offset, length } = request;
    const { command: id } = genlHeader.decode(data, offset, length, this.order);
    const attributesOf = (codec: Codec<unknown>): Record<string, unknown> =>
      codec.decode(data, offset + 4, length - 4, this.order) as Record<string, unknown>;
    if (request.type === GENL_ID_CTRL) {
      const { familyName: name = '' } = attributesOf(controller) as { familyName?: string };
      if ((request.flags & NLM_F_DUMP) === NLM_F_DUMP) return this.#listFamilies(request);
      this.log.push(`nlctrl GETFAMILY ${name}`);
      const family = this.#families.get(name);
      if (!family) return [this.error(request, 'ENOENT')];
      return [
        this.message(request, this.#describeFamily(name, family), request.type),
        this.error(request, 0),
      ];
    }
    const family = [...this.#families.values()].find((candidate) => candidate.id === request.type);
    const served = family?.commands.get(id);
    if (!served) {
      this.log.push(`type ${request.type} command ${id}`);
      return [this.error(request, family ? 'EOPNOTSUPP' : 'ENOENT')];
    }
    const { command, handler } = served;
    this.log.push(`${command.family} ${command.name}`);
    return this.#run(request, handler, attributesOf(command.request), (row) =>
      this.#genl(id, command.reply.encode(row, this.order)),
    );
  }

  #listFamilies(request: Message): Buffer[] {
    this.log.push('nlctrl GETFAMILY');
    const parts = [...this.#families].map(([name, family]) =>
      this.message(request, this.#describeFamily(name, family), request.type, NLM_F_MULTI),
    );
    return [...parts, this.done(request)];
  }

  #describeFamily(name: string, family: { id: number; commands: Map<number, ServedCommand> }): Buffer {
    const operations = [...family.commands.keys()].map((id) => ({ id, flags: 0 }));
    const reply = controller.encode(
      { familyId: family.id, familyName: name, version: 1, operations },
      this.order,
    );
    return this.#genl(CTRL_CMD_NEWFAMILY, reply);
  }

  #answerDiag(request: Message): Buffer[] {
    const { data, offset, length } = request;
    const family = data[offset];
    this.log.push(`SOCK_DIAG ${family}`);
    if (family !== 43) {
      const asked = inetDiagRequest.decode(data, offset, length, this.order);
      const { tcpSockets } = this;
      const matching = (): object[] =>
        ((tcpSockets?.(asked) ?? []) as { family: number; state: number }[]).filter(
          (row) => row.family === asked.family && asked.states & (1 << row.state),
        );
      return this.#run(request, matching, {}, (row) => inetDiagMessage.encode(row as never, this.order));
    }
    if (!this.sockets) return [this.error(request, 'ENOENT')];
    const asked = smcDiagRequest.decode(data, offset, length, this.order);
    return this.#run(request, this.sockets, asked, (row) => {
      const { attributes = {}, ...message } = row as { attributes?: object };
      return Buffer.concat([
        smcDiagMessage.encode(message as never, this.order),
        smcDiagAttributes.encode(attributes, this.order),
      ]);
    });
  }

  #answerRoute(request: Message): Buffer[] {
    this.log.push('ROUTE GETADDR');
    const encode = (row: object): Buffer => {
      const { attributes = {}, ...message } = row as { attributes?: object };
      return Buffer.concat([
        addressMessage.encode(message as never, this.order),
        addressAttributes.encode(attributes, this.order),
      ]);
    };
    return this.#run(request, this.addresses, {}, encode, RTM_NEWADDR);
  }

  #run(
    request: Message,
    handler: Handler,
    attributes: Record<string, unknown>,
    encode: (row: object) => Buffer,
    type = request.type,
  ): Buffer[] {
    const isDump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP;
    let rows: object[];
    let failure: Errno | undefined;
    try {
      rows = handler(attributes) ?? [];
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      if (!error.rows) return [this.error(request, error.code)];
      failure = error;
      rows = error.rows;
    }
    const flags = isDump ? NLM_F_MULTI : 0;
    const parts = rows.map((row) => this.message(request, encode(row), type, flags));
    parts.push(isDump ? this.done(request, failure?.code) : this.error(request, 0));
    const datagrams: Buffer[] = [];
    for (const part of parts) {
      const last = datagrams.at(-1);
      if (last && last.length + part.length <= this.datagramSize)
        datagrams[datagrams.length - 1] = Buffer.concat([last, part]);
      else datagrams.push(part);
    }
    return datagrams;
  }

  #genl(command: number, attributes: Buffer): Buffer {
    return Buffer.concat([genlHeader.encode({ command, version: 1, reserved: 0 }, this.order), attributes]);
  }

  /** A message to the sender of a request. */
  message(request: Message, payload: Buffer, type: number, flags = 0): Buffer {
    const { sequence, portId } = request;
    return encodeMessage({ type, flags, sequence, portId }, payload, this.order);
  }

  /** ERROR with an errno name, or 0 for an acknowledgement. */
  error(request: Message, code: string | 0): Buffer {
    const header = encodeMessage({ ...request, portId: 0 }, Buffer.alloc(0), this.order);
    return this.message(request, Buffer.concat([this.#errno(code), header]), NLMSG_ERROR);
  }

  /** DONE, with the errno of a dump that failed after some rows. */
  done(request: Message, code: string | 0 = 0): Buffer {
    return this.message(request, this.#errno(code), NLMSG_DONE, NLM_F_MULTI);
  }

  #errno(code: string | 0): Buffer {
    const data = Buffer.alloc(4);
    const value = code === 0 ? 0 : -(constants.errno as Record<string, number>)[code]!;
    if (this.order === 'LE') data.writeInt32LE(value);
    else data.writeInt32BE(value);
    return data;
  }
}

/** A row for `FakeKernel.addresses`. @param text IPv4 address with its prefix length, "10.0.0.1/24" */
export function ipv4Row(index: number, text: string): object {
  const [address = '', prefixLength] = text.split('/');
  const bytes = Uint8Array.from(address.split('.').map(Number));
  const attributes = { address: bytes, local: bytes, flags: 0x80 };
  return { family: AF_INET, prefixLength: Number(prefixLength), flags: 0x80, scope: 0, index, attributes };
}
