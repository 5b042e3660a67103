// SPDX-License-Identifier: MIT
/**
 * The web configuration file that exporters for Prometheus have in common: TLS, users with passwords, headers. Source of the
 * format: docs/web-configuration.md of the project exporter-toolkit.
 */
import { dirname, resolve } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { isMap, isScalar, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';

/** What the file says. Names of files are absolute. */
export interface WebConfig {
  tls: TlsConfig | undefined;
  /** bcrypt hashes by user */
  users: ReadonlyMap<string, string>;
  /** of every answer */
  headers: Readonly<Record<string, string>>;
}

export interface TlsConfig {
  certFile: string;
  keyFile: string;
  clientCaFile: string | undefined;
  clientAuth: ClientAuth;
  minVersion: SecureVersion;
  maxVersion: SecureVersion;
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
  if (error) throw wrong(error.pos[0], error.message.split('\n')[0] ?? 'not YAML');
  const { contents } = document;
  if (contents === null) return { tls: undefined, users: new Map(), headers: {} };
  if (!isMap(contents)) throw wrong(contents.range?.[0], 'must consist of keys and values');
  return new Reader(wrong, dirname(resolve(file))).read(contents);
}

type Wrong = (offset: number | undefined, why: string) => WebConfigError;
type Take = (value: Field) => void;

/** A key and its value. */
class Field {
  readonly name: string;
  readonly #wrong: Wrong;
  readonly #pair: Pair;

  constructor(pair: Pair, wrong: Wrong) {
    this.#pair = pair;
    this.#wrong = wrong;
    this.name = isScalar(pair.key) ? String(pair.key.value) : '';
  }

  get #offset(): number | undefined {
    return (this.#pair.key as { range?: [number, number, number] | null }).range?.[0];
  }

  fail(why: string): never {
    throw this.#wrong(this.#offset, why);
  }

  get isNull(): boolean {
    const { value } = this.#pair;
    return value === null || (isScalar(value) && value.value === null);
  }

  map(): YAMLMap {
    const { value } = this.#pair;
    return isMap(value) ? value : this.fail(`${this.name} must consist of keys and values`);
  }

  text(): string {
    const { value } = this.#pair;
    return isScalar(value) && typeof value.value === 'string' && value.value !== ''
      ? value.value
      : this.fail(`${this.name} must be a text`);
  }

  oneOf<T extends string>(words: readonly T[]): T {
    const text = this.text();
    return (
      words.find((word) => word === text) ?? this.fail(`${this.name} must be one of ${words.join(', ')}`)
    );
  }
}

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
      const field = new Field(pair as Pair, this.#wrong);
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
    };
    this.#fields(contents, {
      tls_server_config: (field) => {
        config.tls = this.#tls(field);
      },
      http_server_config: (field) => this.#http(field, config.headers),
      basic_auth_users: (field) => {
        for (const pair of field.map().items) {
          const user = new Field(pair as Pair, this.#wrong);
          if (user.name === '' || user.name.includes(':'))
            user.fail('the name of a user has no colon, and is not empty');
          if (!/^\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}$/.test(user.text()))
            user.fail(`the password of ${user.name} must be a bcrypt hash, as htpasswd -nB prints it`);
          config.users.set(user.name, user.text());
        }
      },
    });
    return config;
  }

  #http(field: Field, headers: Record<string, string>): void {
    this.#fields(field.map(), {
      // HTTP/2 is not needed by anybody, and no client insists on it
      http2: () => {},
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

  #tls(field: Field): TlsConfig {
    const files: Record<string, string> = {};
    let clientAuth: ClientAuth | undefined;
    let minVersion: SecureVersion = 'TLSv1.2';
    let maxVersion: SecureVersion = 'TLSv1.3';
    const file: Take = (inner) => {
      files[inner.name] = resolve(this.#directory, inner.text());
    };
    const unsupported: Take = (inner) => inner.fail(`${inner.name} is not supported by smc_exporter`);
    this.#fields(field.map(), {
      cert_file: file,
      key_file: file,
      client_ca_file: file,
      client_auth_type: (inner) => {
        clientAuth = inner.oneOf(CLIENT_AUTH);
      },
      min_version: (inner) => {
        minVersion = VERSIONS[inner.oneOf(Object.keys(VERSIONS))]!;
      },
      max_version: (inner) => {
        maxVersion = VERSIONS[inner.oneOf(Object.keys(VERSIONS))]!;
      },
      ...Object.fromEntries(UNSUPPORTED.map((name) => [name, unsupported])),
      // of no meaning any more, for Go as well
      prefer_server_cipher_suites: () => {},
    });
    const { cert_file: certFile, key_file: keyFile, client_ca_file: clientCaFile } = files;
    if (certFile === undefined || keyFile === undefined)
      field.fail('tls_server_config needs cert_file and key_file');
    if (minVersion > maxVersion) field.fail('min_version is later than max_version');
    const needsCa = clientAuth === 'VerifyClientCertIfGiven' || clientAuth === 'RequireAndVerifyClientCert';
    if (needsCa && clientCaFile === undefined)
      field.fail(`client_auth_type ${clientAuth} needs client_ca_file`);
    if (clientCaFile !== undefined && !needsCa)
      field.fail('client_ca_file is used only with a client_auth_type that verifies certificates');
    return {
      certFile,
      keyFile,
      clientCaFile,
      clientAuth: clientAuth ?? 'NoClientCert',
      minVersion,
      maxVersion,
    };
  }
}

/** Of the format, but not of this program: to ignore them could let in whom they keep out. */
const UNSUPPORTED = ['cert', 'key', 'client_ca', 'client_allowed_sans', 'cipher_suites', 'curve_preferences'];
