// SPDX-License-Identifier: MIT
/** The web configuration file: what it says, and what is said where it is wrong. */
import t from 'tap';
import { parseWebConfig } from '../../../src/commands/smc_exporter/server/web-config.ts';

const HASH = '$2b$04$JHcUfBVbyIFoVL3mrOnTPuVBLzsfop/JChcBaNrwlttJEKGZ.hFtm';
const parse = (text: string) => parseWebConfig(text, '/etc/web.yml');

t.test('what it says', async (t) => {
  t.strictSame(parse(''), { tls: undefined, users: new Map(), headers: {} });
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
        certFile: '/etc/server.crt',
        keyFile: '/keys/server.key',
        clientCaFile: '/etc/ca.crt',
        clientAuth: 'RequireAndVerifyClientCert',
        minVersion: 'TLSv1.3',
        maxVersion: 'TLSv1.3',
      },
      users: new Map([['prometheus', HASH]]),
      headers: { 'Strict-Transport-Security': 'max-age=1' },
    },
  );
});

const TLS = 'tls_server_config:\n  cert_file: a\n  key_file: b\n';

for (const [text, message] of [
  ['- a', 'line 1: must consist of keys and values'],
  ['a: [', /^\/etc\/web\.yml line 1: /],
  ['x: 1', 'line 1: x is unknown; known are tls_server_config, http_server_config, basic_auth_users'],
  ['\nconstructor: 1', /^\/etc\/web\.yml line 2: constructor is unknown; /],
  ['basic_auth_users: x', 'line 1: basic_auth_users must consist of keys and values'],
  [
    'basic_auth_users:\n  me: secret',
    'line 2: the password of me must be a bcrypt hash, as htpasswd -nB prints it',
  ],
  ['basic_auth_users:\n  a:b: x', /^\/etc\/web\.yml line 2: /],
  [`basic_auth_users: &x\n  me: ${HASH}\n  you: *x`, 'line 3: you must be a text'],
  ['tls_server_config:\n  cert_file: a', 'line 1: tls_server_config needs cert_file and key_file'],
  ['tls_server_config:\n  cert_file: 1', 'line 2: cert_file must be a text'],
  [`${TLS}  min_version: TLS9`, 'line 4: min_version must be one of TLS10, TLS11, TLS12, TLS13'],
  [`${TLS}  max_version: TLS11`, 'line 1: min_version is later than max_version'],
  [`${TLS}  cipher_suites: []`, 'line 4: cipher_suites is not supported by smc_exporter'],
  [`${TLS}  client_allowed_sans: [a]`, 'line 4: client_allowed_sans is not supported by smc_exporter'],
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
