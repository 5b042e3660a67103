// SPDX-License-Identifier: MIT
/** --web-config: who may ask, by a file that is read again when it, a certificate or a key has changed. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createSecureContext, DEFAULT_CIPHERS, type TLSSocket, type TlsOptions } from 'node:tls';
import { explain } from '../../../smc/explain.ts';
import { formatIpv6 } from '../../../smc/ip-address.ts';
import { parseIpv6 } from '../../../smc/parse-ipv6.ts';
import type { Access } from './access.ts';
import { BasicAuth } from './basic-auth.ts';
import { RateLimiter } from './rate-limiter.ts';
import { type Pem, parseWebConfig, type TlsConfig, WebConfigError } from './web-config.ts';

/** For TLS, in milliseconds. */
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
      const { access, files, isEmpty } = load(this.#file);
      // who writes a file in place empties it first; it must not be open to all meanwhile
      if (isEmpty) throw new WebConfigError(`${this.#file}: is empty`);
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

function load(file: string): { access: Access; files: string[]; isEmpty: boolean } {
  const text = read(file).toString('utf8');
  const { tls, users, headers, rateLimit } = parseWebConfig(text, file);
  const auth = new BasicAuth(users);
  const limiter = rateLimit && new RateLimiter(rateLimit);
  const access: Access = {
    tls: tls && tlsOptions(tls, file),
    isOpen: tls === undefined && users.size === 0,
    headers,
    allows: () => limiter?.take() ?? true,
    admitsClient: (socket) => admitsCertificate(tls, socket as TLSSocket),
    admits: ({ headers: { authorization } }: IncomingMessage) => auth.admits(authorization),
  };
  const pems = tls ? [tls.cert, tls.key, tls.clientCa] : [];
  const files = [file, ...pems.flatMap((pem) => (pem && 'file' in pem ? [pem.file] : []))];
  return { access, files, isEmpty: text === '' };
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

/** All that there are: the list of the format is for TLS 1.2 and earlier. */
const CIPHERS_OF_TLS13 = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

/** OpenSSL 3 does TLS 1.0 and 1.1 only at this level: they sign with SHA-1. Source: OpenSSL's page SSL_CTX_set_security_level. */
const OLD_TLS = '@SECLEVEL=0';

/** For OpenSSL. @returns `undefined` for those of Node */
function cipherList({ ciphers, minVersion }: TlsConfig): string | undefined {
  const list = ciphers ? [...ciphers, CIPHERS_OF_TLS13].join(':') : undefined;
  return minVersion < 'TLSv1.2' ? `${list ?? DEFAULT_CIPHERS}:${OLD_TLS}` : list;
}

const pemOf = (pem: Pem): Buffer | string => ('file' in pem ? read(pem.file) : pem.text);

function tlsOptions(config: TlsConfig, webConfig: string): TlsOptions {
  const { cert, key, clientCa, clientAuth, curves } = config;
  const ciphers = cipherList(config);
  const options: TlsOptions = {
    cert: pemOf(cert),
    key: pemOf(key),
    ...(clientCa && { ca: pemOf(clientCa) }),
    minVersion: config.minVersion,
    maxVersion: config.maxVersion,
    ...(ciphers !== undefined && { ciphers }),
    ...(curves && { ecdhCurve: curves.join(':') }),
    honorCipherOrder: config.prefersOwnCiphers,
    requestCert: clientAuth !== 'NoClientCert',
    rejectUnauthorized: clientAuth === 'RequireAndVerifyClientCert',
    handshakeTimeout: HANDSHAKE_MS,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    // a wrong certificate or key is found out now, not when somebody connects
    const places = new Set([cert, key].map((pem) => ('file' in pem ? pem.file : webConfig)));
    throw new WebConfigError(`${[...places].join(', ')}: ${(error as Error).message}`, { cause: error });
  }
  return options;
}

function admitsCertificate(tls: TlsConfig | undefined, socket: TLSSocket): boolean {
  const hasCertificate = (): boolean => Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  const names = tls?.clientNames;
  if (
    names &&
    !alternativeNames(socket.getPeerCertificate()?.subjectaltname).some((name) => names.includes(name))
  )
    return false;
  switch (tls?.clientAuth) {
    case 'RequireAnyClientCert':
      return hasCertificate();
    case 'VerifyClientCertIfGiven':
      return socket.authorized || !hasCertificate();
    default:
      return true;
  }
}

/** One name, as Node has it: in quotes, as JSON, where it could be mistaken for several. */
const NAME = /([^:,]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/gy;

/** Names in the certificate of a client, as Go writes them: of hosts, mail addresses, IP addresses and URIs. */
export function alternativeNames(text = ''): string[] {
  return [...text.matchAll(NAME)].flatMap(([, kind = '', value = '']) => {
    if (!['DNS', 'email', 'IP Address', 'URI'].includes(kind)) return [];
    const name = value.startsWith('"') ? (JSON.parse(value) as string) : value;
    const ipv6 = kind === 'IP Address' ? parseIpv6(name) : undefined;
    return [ipv6 ? formatIpv6(ipv6) : name];
  });
}
