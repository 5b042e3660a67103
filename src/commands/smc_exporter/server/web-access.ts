// SPDX-License-Identifier: MIT
/** --web-config: who may ask, by a file that is read again when it, a certificate or a key has changed. */
import { readFileSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createSecureContext, type TLSSocket, type TlsOptions } from 'node:tls';
import { explain } from '../../../smc/explain.ts';
import type { Access } from './access.ts';
import { BasicAuth } from './basic-auth.ts';
import { parseWebConfig, type TlsConfig, WebConfigError } from './web-config.ts';

/** Certificates and keys of TLS, milliseconds for the handshake. */
const HANDSHAKE_MS = 10_000;

export class WebAccess {
  readonly #file: string;
  readonly #onError: (text: string) => void;
  #current: Access;
  /** the files that were read, and what they were */
  #seen: ReadonlyMap<string, string>;

  /**
   * @param onError is told once why a changed file is not used
   * @throws WebConfigError; Node's own error
   */
  constructor(file: string, onError: (text: string) => void) {
    this.#file = file;
    this.#onError = onError;
    const { access, files } = load(file);
    this.#current = access;
    this.#seen = stamps(files);
  }

  /** What holds at this moment. While the file is wrong, what held before. */
  current(): Access {
    const now = stamps([...this.#seen.keys()]);
    if ([...now].every(([file, stamp]) => stamp === this.#seen.get(file))) return this.#current;
    // a file that changes while it is read is read again the next time
    this.#seen = now;
    try {
      const { access, files } = load(this.#file);
      this.#current = access;
      this.#seen = new Map([...now, ...stamps(files.filter((file) => !now.has(file)))]);
    } catch (error) {
      this.#onError(`${wordsOf(error)}; the configuration before it stays in force`);
    }
    return this.#current;
  }
}

const wordsOf = (error: unknown): string =>
  error instanceof WebConfigError ? error.message : (explain(error)?.text ?? String(error));

/** What changes when a file does; a file that is not there has a stamp, too. */
function stamps(files: readonly string[]): Map<string, string> {
  return new Map(
    files.map((file) => {
      const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
      return [file, stats ? `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}` : ''];
    }),
  );
}

function load(file: string): { access: Access; files: string[] } {
  const { tls, users, headers } = parseWebConfig(readFileSync(file, 'utf8'), file);
  const auth = new BasicAuth(users);
  const access: Access = {
    tls: tls && tlsOptions(tls),
    headers,
    admitsClient: (socket) => admitsCertificate(tls, socket as TLSSocket),
    admits: ({ headers: { authorization } }: IncomingMessage) => auth.admits(authorization),
  };
  const files = tls ? [tls.certFile, tls.keyFile, tls.clientCaFile] : [];
  return { access, files: [file, ...files.filter((name) => name !== undefined)] };
}

function tlsOptions(config: TlsConfig): TlsOptions {
  const { certFile, keyFile, clientCaFile, clientAuth, minVersion, maxVersion } = config;
  const options: TlsOptions = {
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    ...(clientCaFile !== undefined && { ca: readFileSync(clientCaFile) }),
    minVersion,
    maxVersion,
    requestCert: clientAuth !== 'NoClientCert',
    rejectUnauthorized: clientAuth === 'RequireAndVerifyClientCert',
    handshakeTimeout: HANDSHAKE_MS,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    // a wrong certificate or key is found out now, not when somebody connects
    throw new WebConfigError(`${certFile}, ${keyFile}: ${(error as Error).message}`, { cause: error });
  }
  return options;
}

function admitsCertificate(tls: TlsConfig | undefined, socket: TLSSocket): boolean {
  const hasCertificate = (): boolean => Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  switch (tls?.clientAuth) {
    case 'RequireAnyClientCert':
      return hasCertificate();
    case 'VerifyClientCertIfGiven':
      return socket.authorized || !hasCertificate();
    default:
      return true;
  }
}
