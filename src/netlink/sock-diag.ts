// SPDX-License-Identifier: MIT
/** NETLINK_SOCK_DIAG. The request of a dump is a fixed struct; the reply has a fixed struct and attributes per socket. */
import type { Codec } from './codec.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { Struct } from './schema.ts';
import type { Dump } from './transaction.ts';
import { NETLINK_SOCK_DIAG } from './uapi/netlink.ts';
import { SOCK_DIAG_BY_FAMILY } from './uapi/smc-diag.ts';

/** One kind of sock_diag dump. */
export interface DiagDump<Req, Msg, Attributes, Row> {
  /** for errors: "SMC sockets", "TCP sockets" */
  name: string;
  request: Codec<Req>;
  // biome-ignore lint/suspicious/noExplicitAny: members are restored by Msg
  message: Struct<any> & Codec<Msg>;
  attributes?: Codec<Attributes>;
  row(message: Msg, attributes: Attributes | undefined): Row;
}

export class SockDiag {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws NetlinkError with op "load netlink addon" or "open socket" */
  static async open(options: ConnectionOptions = {}): Promise<SockDiag> {
    return new SockDiag(await Connection.open(NETLINK_SOCK_DIAG, options));
  }

  close(): void {
    this.#connection.close();
  }

  /**
   * Streams the sockets of the caller's network namespace; no privilege is needed. ENOENT on the first row means that
   * the diag module of that family is not loaded.
   */
  dump<Req, Msg, Attributes, Row>(kind: DiagDump<Req, Msg, Attributes, Row>, request: Req): Dump<Row> {
    const { order } = this.#connection.transport;
    return this.#connection.dump({
      family: 'SOCK_DIAG',
      command: kind.name,
      type: SOCK_DIAG_BY_FAMILY,
      payload: kind.request.encode(request, order),
      request: { header: kind.request as Codec<Req> & { size: number } },
      reply: { header: kind.message, attributes: kind.attributes },
      decode({ data, offset, length }) {
        const message = kind.message.decode(data, offset, length, order) as Msg;
        const { size } = kind.message;
        return kind.row(message, kind.attributes?.decode(data, offset + size, length - size, order));
      },
    });
  }
}
