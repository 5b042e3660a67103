// SPDX-License-Identifier: MIT
import type { IncomingMessage } from 'node:http';
import type { TlsOptions } from 'node:tls';

/** Who may ask, and how: what a web configuration says. */
export interface Access {
  /** certificate, key and the rest of TLS; `undefined`: connections are not encrypted */
  tls: TlsOptions | undefined;
  /** neither TLS nor passwords keep anybody out */
  isOpen: boolean;
  /** headers of every answer */
  headers: Readonly<Record<string, string>>;
  /** Whether a request comes within the limit on their rate; to be called once for each. */
  allows(): boolean;
  /** Whether the client of an encrypted connection may go on. */
  admitsClient(socket: IncomingMessage['socket']): boolean;
  /** Whether a request has a right password; `busy` if too many wait for that to be found out. */
  admits(request: IncomingMessage): Promise<boolean | 'busy'>;
}

/** Everybody may ask. */
export const OPEN: Access = {
  tls: undefined,
  isOpen: true,
  headers: {},
  allows: () => true,
  admitsClient: () => true,
  admits: async () => true,
};
