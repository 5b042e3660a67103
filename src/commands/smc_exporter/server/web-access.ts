// SPDX-License-Identifier: MIT
/** --web-config: who may ask, by a file that is read again when it, a certificate or a key has changed. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
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
      try {
        const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
        return [file, `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`];
      } catch (error) {
        // its directory may be closed to us now; to read it tells why
        return [file, (error as NodeJS.ErrnoException).code ?? ''];
      }
    }),
  );
}

function load(file: string): { access: Access; files: string[] } {
  const { tls, users, headers } = parseWebConfig(read(file).toString('utf8'), file);
  const auth = new BasicAuth(users);
  const access: Access = {
    tls: tls && tlsOptions(tls),
    isOpen: tls === undefined && users.size === 0,
    headers,
    admitsClient: (socket) => admitsCertificate(tls, socket as TLSSocket),
    admits: ({ headers: { authorization } }: IncomingMessage) => auth.admits(authorization),
  };
  const files = tls ? [tls.certFile, tls.keyFile, tls.clientCaFile] : [];
  return { access, files: [file, ...files.filter((name) => name !== undefined)] };
}

/** Nobody's configuration or chain of certificates has more bytes. */
const MOST_BYTES = 1024 * 1024;

/** @throws WebConfigError for what is no file: a FIFO would make every client wait; Node's own error */
function read(file: string): Buffer {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new WebConfigError(`${file}: is not a regular file`);
    if (stats.size > MOST_BYTES) throw new WebConfigError(`${file}: is larger than ${MOST_BYTES} bytes`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function tlsOptions(config: TlsConfig): TlsOptions {
  const { certFile, keyFile, clientCaFile, clientAuth, minVersion, maxVersion } = config;
  const options: TlsOptions = {
    cert: read(certFile),
    key: read(keyFile),
    ...(clientCaFile !== undefined && { ca: read(clientCaFile) }),
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
