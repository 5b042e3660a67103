// SPDX-License-Identifier: MIT
/** NETLINK_SOCK_DIAG. The request of a dump is a fixed struct; the reply has a fixed struct and attributes per socket. */
import type { ByteOrder, Codec } from './codec.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { Dump } from './transaction.ts';
import { NETLINK_SOCK_DIAG } from './uapi/netlink.ts';
import { SOCK_DIAG_BY_FAMILY } from './uapi/smc-diag.ts';

/** One kind of sock_diag dump. */
export interface DiagDump<Req, Row> {
  /** for errors: "SMC sockets", "TCP sockets" */
  name: string;
  request: Codec<Req>;
  /** layouts of the reply, for the debug dump */
  message: Codec<unknown> & { readonly size: number };
  attributes?: Codec<unknown>;
  /** @returns a function that reads one reply; it must not keep `data`, and may throw MalformedError */
  decoder(order: ByteOrder): (data: Buffer, offset: number, length: number) => Row;
}

export class SockDiag {
  readonly #connection: Connection;
  /** called when it is closed, once or more often */
  onClose: () => void = () => {};

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws NetlinkError with op "load netlink addon" or "open socket" */
  static async open(options: ConnectionOptions = {}): Promise<SockDiag> {
    return new SockDiag(await Connection.open(NETLINK_SOCK_DIAG, options));
  }

  close(): void {
    this.onClose();
    this.#connection.close();
  }

  /**
   * Streams the sockets of the caller's network namespace; no privilege is needed. ENOENT on the first row means that
   * the diag module of that family is not loaded.
   */
  dump<Req, Row>(kind: DiagDump<Req, Row>, request: Req): Dump<Row> {
    const { order } = this.#connection.transport;
    const decode = kind.decoder(order);
    return this.#connection.dump({
      family: 'SOCK_DIAG',
      command: kind.name,
      type: SOCK_DIAG_BY_FAMILY,
      payload: kind.request.encode(request, order),
      request: { header: kind.request as Codec<Req> & { size: number } },
      reply: { header: kind.message, attributes: kind.attributes },
      decode: ({ data, offset, length }) => decode(data, offset, length),
    });
  }
}
