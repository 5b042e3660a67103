// SPDX-License-Identifier: MIT
/** The web configuration file: what it says, and what is said where it is wrong. */
import t from 'tap';
import { parseWebConfig } from '../../../src/commands/smc_exporter/server/web-config.ts';

const HASH = '$2b$04$JHcUfBVbyIFoVL3mrOnTPuVBLzsfop/JChcBaNrwlttJEKGZ.hFtm';
const TLS = 'tls_server_config:\n  cert_file: a\n  key_file: b\n';
const parse = (text: string) => parseWebConfig(text, '/etc/web.yml');

t.test('what it says', async (t) => {
  t.strictSame(parse(''), { tls: undefined, users: new Map(), headers: {}, rateLimit: undefined });
  t.strictSame(parse('basic_auth_users:\ntls_server_config:\n'), parse(''), 'keys without a value');
  t.strictSame(
    parse(`
tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS13
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=1
basic_auth_users:
  prometheus: ${HASH}
`),
    {
      tls: {
        cert: { file: '/etc/server.crt' },
        key: { file: '/keys/server.key' },
        clientCa: { file: '/etc/ca.crt' },
        clientAuth: 'RequireAndVerifyClientCert',
        clientNames: undefined,
        minVersion: 'TLSv1.3',
        maxVersion: 'TLSv1.3',
        ciphers: undefined,
        curves: undefined,
        prefersOwnCiphers: true,
      },
      users: new Map([['prometheus', HASH]]),
      headers: { 'Strict-Transport-Security': 'max-age=1' },
      rateLimit: undefined,
    },
  );
  t.match(
    parse(`
tls_server_config:
  cert: |
    of the server
  key: its key
  client_ca: an authority
  client_auth_type: VerifyClientCertIfGiven
  client_allowed_sans: [prometheus.example]
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  curve_preferences:
    - X25519
    - CurveP256
  prefer_server_cipher_suites: false
rate_limit:
  burst: 20
  interval: 1m0.5s
`),
    {
      tls: {
        cert: { text: 'of the server\n' },
        key: { text: 'its key' },
        clientCa: { text: 'an authority' },
        clientNames: ['prometheus.example'],
        ciphers: ['ECDHE-RSA-AES128-GCM-SHA256'],
        curves: ['X25519', 'P-256'],
        prefersOwnCiphers: false,
      },
      rateLimit: { burst: 20, intervalMs: 60_500 },
    },
  );
  t.match(
    parse(
      `${TLS}  cipher_suites: []\n  curve_preferences: []\n  client_auth_type: RequireClientCert\nrate_limit:\n  burst: 1\n`,
    ),
    {
      tls: { ciphers: undefined, curves: undefined, clientAuth: 'RequireAnyClientCert' },
      rateLimit: undefined,
    },
    'empty lists and no interval limit nothing',
  );
});

for (const [text, message] of [
  ['- a', 'line 1: must consist of keys and values'],
  ['a: [', /^\/etc\/web\.yml line 1: /],
  [
    'x: 1',
    'line 1: x is unknown; known are tls_server_config, http_server_config, basic_auth_users, rate_limit',
  ],
  ['\nconstructor: 1', /^\/etc\/web\.yml line 2: constructor is unknown; /],
  ['a: 1\n---\nb: 2', 'line 2: must be one document'],
  [
    `basic_auth_users:\n  me: ${HASH.replace('04', '99')}`,
    /line 2: the password of me must be a bcrypt hash/,
  ],
  ['basic_auth_users: x', 'line 1: basic_auth_users must consist of keys and values'],
  [
    'basic_auth_users:\n  me: secret',
    'line 2: the password of me must be a bcrypt hash, as htpasswd -nB prints it',
  ],
  ['basic_auth_users:\n  a:b: x', /^\/etc\/web\.yml line 2: /],
  [`basic_auth_users: &x\n  me: ${HASH}\n  you: *x`, 'line 3: you must be a text'],
  [
    'tls_server_config:\n  cert_file: a',
    'line 1: tls_server_config needs a certificate (cert_file or cert) and its key (key_file or key)',
  ],
  ['tls_server_config:\n  cert_file: 1', 'line 2: cert_file must be a text'],
  [`${TLS}  min_version: TLS9`, 'line 4: min_version must be one of TLS10, TLS11, TLS12, TLS13'],
  [`${TLS}  max_version: TLS11`, 'line 1: min_version is later than max_version'],
  [`${TLS}  cipher_suites: x`, 'line 4: cipher_suites must be a list'],
  [
    `${TLS}  cipher_suites:\n    - TLS_AES_128_GCM_SHA256\n    - TLS_RSA_WITH_RC4_128_SHA`,
    /^\/etc\/web\.yml line 6: cipher_suites has TLS_RSA_WITH_RC4_128_SHA; known are TLS_ECDHE_.*, TLS_CHACHA20_POLY1305_SHA256$/,
  ],
  [`${TLS}  cipher_suites: [constructor]`, /line 4: cipher_suites has constructor; /],
  [
    `${TLS}  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]`,
    'line 1: cipher_suites has none for TLS 1.2 or earlier',
  ],
  [
    `${TLS}  min_version: TLS10\n  max_version: TLS11\n  cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]`,
    'line 1: cipher_suites has none for TLS 1.1 or earlier',
  ],
  [
    `${TLS}  curve_preferences: [P-256]`,
    'line 4: curve_preferences has P-256; known are CurveP256, CurveP384, CurveP521, X25519',
  ],
  [`${TLS}  curve_preferences: [[]]`, 'line 4: curve_preferences must be a text'],
  [`${TLS}  prefer_server_cipher_suites: 1`, 'line 4: prefer_server_cipher_suites must be true or false'],
  ['http_server_config:\n  http2: "no"', 'line 2: http2 must be true or false'],
  [`${TLS}  cert: c`, 'line 4: cert and cert_file exclude each other'],
  [
    `${TLS}  client_allowed_sans: [a]`,
    'line 1: client_allowed_sans is used only with a client_auth_type that verifies certificates',
  ],
  ['rate_limit:\n  interval: 1s', 'line 1: rate_limit needs burst'],
  ['rate_limit:\n  burst: 0', 'line 2: burst must be a number, 1 or more'],
  [
    'rate_limit:\n  burst: 1\n  interval: 1',
    'line 3: interval must be a duration such as 500ms, 1s or 1m30s',
  ],
  [
    `${TLS}  client_auth_type: RequireAndVerifyClientCert`,
    'line 1: client_auth_type RequireAndVerifyClientCert needs client_ca_file',
  ],
  [
    `${TLS}  client_ca_file: c`,
    'line 1: client_ca_file is used only with a client_auth_type that verifies certificates',
  ],
  [
    'http_server_config:\n  headers:\n    X-Frame-Options: "a\\nb"',
    'line 3: X-Frame-Options must be one line of ASCII',
  ],
  [
    'http_server_config:\n  headers:\n    Set-Cookie: a',
    /line 3: Set-Cookie is unknown as a header; known are /,
  ],
  [`${TLS}  cert_file: c`, /^\/etc\/web\.yml line 4: /],
] as const)
  t.test(JSON.stringify(text), async (t) => {
    const expected = typeof message === 'string' ? `/etc/web.yml ${message}` : message;
    t.throws(() => parse(text), { name: 'WebConfigError', message: expected });
  });
