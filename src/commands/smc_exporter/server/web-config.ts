// SPDX-License-Identifier: MIT
/**
 * The web configuration file that exporters for Prometheus have in common: TLS, users with passwords, headers. Source of the
 * format: docs/web-configuration.md of the project exporter-toolkit.
 */
import { dirname, resolve } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';

/** What the file says. Names of files are absolute. */
export interface WebConfig {
  tls: TlsConfig | undefined;
  /** bcrypt hashes by user */
  users: ReadonlyMap<string, string>;
  /** of every answer */
  headers: Readonly<Record<string, string>>;
  rateLimit: RateLimit | undefined;
}

/** A certificate or a key: a file, or the text itself. */
export type Pem = { file: string } | { text: string };

export interface TlsConfig {
  cert: Pem;
  key: Pem;
  clientCa: Pem | undefined;
  clientAuth: ClientAuth;
  /** names of which a client's certificate must have one; `undefined`: any will do */
  clientNames: readonly string[] | undefined;
  minVersion: SecureVersion;
  maxVersion: SecureVersion;
  /** by OpenSSL's names, for TLS up to 1.2; `undefined`: those of Node */
  ciphers: readonly string[] | undefined;
  /** by OpenSSL's names, the preferred one first; `undefined`: those of Node */
  curves: readonly string[] | undefined;
  /** of the cipher suites that both sides have, the first one of this side is taken, not that of the client */
  prefersOwnCiphers: boolean;
}

/** Requests are answered at once as long as there are tokens, and each takes one. */
export interface RateLimit {
  /** the most tokens, which are there at first */
  burst: number;
  /** milliseconds until there is another one */
  intervalMs: number;
}

const CLIENT_AUTH = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;

/** What is asked of clients, by Go's names. */
export type ClientAuth = (typeof CLIENT_AUTH)[number];

/** Go's older name of RequireAnyClientCert, which the format still has. */
const OLD_CLIENT_AUTH = 'RequireClientCert';

/** Names of Go, and those of OpenSSL. Of TLS 1.3 Go always has all, whatever is listed. */
export const CIPHERS: Readonly<Record<string, string | undefined>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_AES_128_GCM_SHA256: undefined,
  TLS_AES_256_GCM_SHA384: undefined,
  TLS_CHACHA20_POLY1305_SHA256: undefined,
};

/** Those of OpenSSL's names that TLS 1.1 does not have. */
const FROM_TLS12 = /GCM|POLY1305/;

const CURVES: Readonly<Record<string, string>> = {
  CurveP256: 'P-256',
  CurveP384: 'P-384',
  CurveP521: 'P-521',
  X25519: 'X25519',
};

const VERSIONS: Readonly<Record<string, SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

/** Headers that a web configuration may set. */
const HEADERS = [
  'Content-Security-Policy',
  'Strict-Transport-Security',
  'X-Content-Type-Options',
  'X-Frame-Options',
  'X-XSS-Protection',
];

/** The file is wrong. The message names file and line. */
export class WebConfigError extends Error {}
WebConfigError.prototype.name = 'WebConfigError';

/**
 * Reads the text of a file.
 * @param file its name, for messages and for the names of files in it, which are relative to its directory
 * @throws WebConfigError
 */
export function parseWebConfig(text: string, file: string): WebConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const wrong = (offset: number | undefined, why: string): WebConfigError =>
    new WebConfigError(`${file}${offset === undefined ? '' : ` line ${lines.linePos(offset).line}`}: ${why}`);
  const [error] = document.errors;
  if (error) {
    const isSecond = error.code === 'MULTIPLE_DOCS';
    throw wrong(error.pos[0], isSecond ? 'must be one document' : error.message.split('\n')[0]!);
  }
  const { contents } = document;
  if (contents === null) return { tls: undefined, users: new Map(), headers: {}, rateLimit: undefined };
  if (!isMap(contents)) throw wrong(contents.range?.[0], 'must consist of keys and values');
  return new Reader(wrong, dirname(resolve(file))).read(contents);
}

type Wrong = (offset: number | undefined, why: string) => WebConfigError;
type Take = (value: Field) => void;

/** A key and its value, or one of the values of a list. */
class Field {
  readonly name: string;
  readonly #wrong: Wrong;
  readonly #value: unknown;
  readonly #offset: number | undefined;

  constructor(name: string, at: unknown, value: unknown, wrong: Wrong) {
    this.name = name;
    this.#offset = (at as { range?: [number, number, number] | null } | null)?.range?.[0];
    this.#value = value;
    this.#wrong = wrong;
  }

  static of({ key, value }: Pair, wrong: Wrong): Field {
    return new Field(isScalar(key) ? String(key.value) : '', key, value, wrong);
  }

  fail(why: string): never {
    throw this.#wrong(this.#offset, why);
  }

  get isNull(): boolean {
    return this.#value === null || (isScalar(this.#value) && this.#value.value === null);
  }

  map(): YAMLMap {
    return isMap(this.#value) ? this.#value : this.fail(`${this.name} must consist of keys and values`);
  }

  list(): Field[] {
    if (!isSeq(this.#value)) return this.fail(`${this.name} must be a list`);
    return this.#value.items.map((item) => new Field(this.name, item, item, this.#wrong));
  }

  #scalar(): unknown {
    return isScalar(this.#value) ? this.#value.value : undefined;
  }

  text(): string {
    const text = this.#scalar();
    return typeof text === 'string' && text !== '' ? text : this.fail(`${this.name} must be a text`);
  }

  boolean(): boolean {
    const value = this.#scalar();
    return typeof value === 'boolean' ? value : this.fail(`${this.name} must be true or false`);
  }

  count(): number {
    const value = this.#scalar();
    return Number.isSafeInteger(value) && Number(value) > 0
      ? Number(value)
      : this.fail(`${this.name} must be a number, 1 or more`);
  }

  /** As Go writes it. @returns milliseconds */
  duration(): number {
    const text = String(this.#scalar());
    if (!/^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/.test(text))
      this.fail(`${this.name} must be a duration such as 500ms, 1s or 1m30s`);
    return [...text.matchAll(/([\d.]+)([a-z]+)/g)].reduce(
      (sum, [, digits, unit]) => sum + Number(digits) * UNITS_MS[unit as keyof typeof UNITS_MS],
      0,
    );
  }

  /** For one of a list, of which there can be many. */
  known(words: readonly string[]): string {
    const text = this.text();
    return words.includes(text) ? text : this.fail(`${this.name} has ${text}; known are ${words.join(', ')}`);
  }

  oneOf<T extends string>(words: readonly T[]): T {
    const text = this.text();
    return (
      words.find((word) => word === text) ?? this.fail(`${this.name} must be one of ${words.join(', ')}`)
    );
  }
}

const UNITS_MS = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

class Reader {
  readonly #wrong: Wrong;
  readonly #directory: string;

  constructor(wrong: Wrong, directory: string) {
    this.#wrong = wrong;
    this.#directory = directory;
  }

  /** Calls what belongs to each key; others are wrong. */
  #fields(map: YAMLMap, known: Readonly<Record<string, Take>>, where = ''): void {
    for (const pair of map.items) {
      const field = Field.of(pair as Pair, this.#wrong);
      const take = Object.hasOwn(known, field.name) ? known[field.name] : undefined;
      if (!take) field.fail(`${field.name} is unknown${where}; known are ${Object.keys(known).join(', ')}`);
      if (!field.isNull) take!(field);
    }
  }

  read(contents: YAMLMap): WebConfig {
    const config = {
      tls: undefined as TlsConfig | undefined,
      users: new Map<string, string>(),
      headers: {} as Record<string, string>,
      rateLimit: undefined as RateLimit | undefined,
    };
    this.#fields(contents, {
      tls_server_config: (field) => {
        config.tls = this.#tls(field);
      },
      http_server_config: (field) => this.#http(field, config.headers),
      basic_auth_users: (field) => {
        for (const pair of field.map().items) {
          const user = Field.of(pair as Pair, this.#wrong);
          if (user.name === '' || user.name.includes(':'))
            user.fail('the name of a user has no colon, and is not empty');
          if (!/^\$2[abxy]?\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/.test(user.text()))
            user.fail(`the password of ${user.name} must be a bcrypt hash, as htpasswd -nB prints it`);
          config.users.set(user.name, user.text());
        }
      },
      rate_limit: (field) => {
        config.rateLimit = this.#rateLimit(field);
      },
    });
    return config;
  }

  #http(field: Field, headers: Record<string, string>): void {
    this.#fields(field.map(), {
      // HTTP/1.1 is spoken in any case: clients of HTTP/2 have it, too
      http2: (inner) => void inner.boolean(),
      headers: (inner) => {
        const known = HEADERS.map((name): [string, Take] => [
          name,
          (value) => {
            const text = value.text();
            if (/[^\t\x20-\x7e]/.test(text)) value.fail(`${name} must be one line of ASCII`);
            headers[name] = text;
          },
        ]);
        this.#fields(inner.map(), Object.fromEntries(known), ' as a header');
      },
    });
  }

  #rateLimit(field: Field): RateLimit | undefined {
    let burst: number | undefined;
    let intervalMs = 0;
    this.#fields(field.map(), {
      burst: (inner) => {
        burst = inner.count();
      },
      interval: (inner) => {
        intervalMs = inner.duration();
      },
    });
    if (intervalMs === 0) return undefined;
    return { burst: burst ?? field.fail('rate_limit needs burst'), intervalMs };
  }

  #tls(field: Field): TlsConfig {
    const pems: Record<string, Pem> = {};
    const config = {
      clientAuth: 'NoClientCert' as ClientAuth,
      clientNames: undefined as string[] | undefined,
      minVersion: 'TLSv1.2' as SecureVersion,
      maxVersion: 'TLSv1.3' as SecureVersion,
      ciphers: undefined as string[] | undefined,
      curves: undefined as string[] | undefined,
      prefersOwnCiphers: true,
    };
    const take = (inner: Field, name: string, pem: Pem): void => {
      if (pems[name]) inner.fail(`${name} and ${name}_file exclude each other`);
      pems[name] = pem;
    };
    const text: Take = (inner) => take(inner, inner.name, { text: inner.text() });
    const file: Take = (inner) =>
      take(inner, inner.name.replace('_file', ''), { file: resolve(this.#directory, inner.text()) });
    this.#fields(field.map(), {
      cert_file: file,
      key_file: file,
      client_ca_file: file,
      cert: text,
      key: text,
      client_ca: text,
      client_auth_type: (inner) => {
        const type = inner.oneOf([...CLIENT_AUTH, OLD_CLIENT_AUTH]);
        config.clientAuth = type === OLD_CLIENT_AUTH ? 'RequireAnyClientCert' : type;
      },
      client_allowed_sans: (inner) => {
        config.clientNames = inner.list().map((name) => name.text());
      },
      min_version: (inner) => {
        config.minVersion = VERSIONS[inner.oneOf(Object.keys(VERSIONS))]!;
      },
      max_version: (inner) => {
        config.maxVersion = VERSIONS[inner.oneOf(Object.keys(VERSIONS))]!;
      },
      cipher_suites: (inner) => {
        const names = inner.list().map((suite) => CIPHERS[suite.known(Object.keys(CIPHERS))]);
        if (names.length > 0) config.ciphers = names.filter((name) => name !== undefined);
      },
      curve_preferences: (inner) => {
        const names = inner.list().map((curve) => CURVES[curve.known(Object.keys(CURVES))]!);
        if (names.length > 0) config.curves = names;
      },
      prefer_server_cipher_suites: (inner) => {
        config.prefersOwnCiphers = inner.boolean();
      },
    });
    const { clientAuth, clientNames, minVersion, maxVersion, ciphers } = config;
    const { cert, key, client_ca: clientCa } = pems;
    if (!cert || !key)
      field.fail('tls_server_config needs a certificate (cert_file or cert) and its key (key_file or key)');
    if (minVersion > maxVersion) field.fail('min_version is later than max_version');
    if (ciphers?.length === 0 && maxVersion !== 'TLSv1.3')
      field.fail('cipher_suites has none for TLS 1.2 or earlier');
    if (maxVersion < 'TLSv1.2' && ciphers?.every((name) => FROM_TLS12.test(name)))
      field.fail('cipher_suites has none for TLS 1.1 or earlier');
    const verifies = clientAuth === 'VerifyClientCertIfGiven' || clientAuth === 'RequireAndVerifyClientCert';
    if (verifies && !clientCa) field.fail(`client_auth_type ${clientAuth} needs client_ca_file`);
    for (const [name, value] of Object.entries({
      client_ca_file: clientCa,
      client_allowed_sans: clientNames,
    }))
      if (value && !verifies)
        field.fail(`${name} is used only with a client_auth_type that verifies certificates`);
    return { ...config, cert, key, clientCa };
  }
}
