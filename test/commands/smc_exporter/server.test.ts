// SPDX-License-Identifier: MIT
/** The server of smc_exporter: what is answered, and what clients who mean no good can do. */
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage, request } from 'node:http';
import { get as getHttps } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { OPEN } from '../../../src/commands/smc_exporter/server/access.ts';
import { passedSockets, readAddress } from '../../../src/commands/smc_exporter/server/addresses.ts';
import { BasicAuth } from '../../../src/commands/smc_exporter/server/basic-auth.ts';
import { LIMITS } from '../../../src/commands/smc_exporter/server/connections.ts';
import { RateLimiter } from '../../../src/commands/smc_exporter/server/rate-limiter.ts';
import { type Handler, MetricsServer } from '../../../src/commands/smc_exporter/server/server.ts';
import { alternativeNames, WebAccess } from '../../../src/commands/smc_exporter/server/web-access.ts';
import { CIPHERS } from '../../../src/commands/smc_exporter/server/web-config.ts';
import { PEM } from '../../helpers/certificates.ts';
import { ownDirectory } from '../../helpers/own-directory.ts';
import { waitUntil } from '../../helpers/wait.ts';

/** An answer that comes when the test says so. */
class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
  waiting = 0;
  readonly handler: Handler = async ({ response }) => {
    this.waiting++;
    await this.opened;
    response.end('open\n');
  };
}

const hello: Handler = ({ response }) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end('hello\n');
};

interface World {
  url: string;
  port: number;
  server: MetricsServer;
  errors: unknown[];
}

async function serve(
  t: Test,
  { limits = {}, access = () => OPEN, gate = new Gate() }: Partial<Parts> = {},
): Promise<World> {
  const errors: unknown[] = [];
  const server = new MetricsServer({
    routes: new Map<string, Handler>([
      ['/hello', hello],
      ['/gate', gate.handler],
      ['/bug', () => Promise.reject(new Error('a bug'))],
    ]),
    access,
    onError: (error) => errors.push(error),
    limits: { ...LIMITS, ...limits },
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => {
    gate.open();
    return server.end();
  });
  return { url, port: Number(new URL(url).port), server, errors };
}

interface Parts {
  limits: Partial<typeof LIMITS>;
  access: () => typeof OPEN;
  gate: Gate;
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

async function answerOf(sent: ReturnType<typeof get>): Promise<Answer> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** A client that does what it likes; `received` is all that it got. */
async function rawClient(t: Test, port: number): Promise<Socket & { received: string }> {
  const socket = Object.assign(connect(port, '127.0.0.1'), { received: '' });
  socket.on('error', () => {});
  socket.setEncoding('latin1').on('data', (text: string) => {
    socket.received += text;
  });
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** The connection has ended, in whatever way; it may have before. */
const gone = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve(undefined);
    else socket.once('close', resolve);
  });

t.test('what is answered', async (t) => {
  const { url, errors, port } = await serve(t);
  const hi = await answerOf(get(`${url}/hello?a=b`));
  t.match(hi, { status: 200, body: 'hello\n', headers: { 'x-content-type-options': 'nosniff' } });
  const head = await answerOf(request(`${url}/hello`, { method: 'HEAD' }).end());
  t.match(head, { status: 200, body: '', headers: { 'content-type': 'text/plain' } });
  for (const path of ['/', '/hello/', '//hello', '/../hell'])
    t.match(await answerOf(get(`${url}${path}`)), { status: 404, body: 'not found\n' }, path);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
    t.match(
      await answerOf(request(`${url}/hello`, { method }).end()),
      { status: 405, headers: { allow: 'GET, HEAD' } },
      method,
    );
  t.match(await answerOf(get(`${url}/bug`)), { status: 500, body: 'internal error\n' });
  t.match(errors, [{ message: 'a bug' }], 'and the operator is told');
  const client = await rawClient(t, port);
  client.end('nonsense\r\n\r\n');
  await gone(client);
  t.match(client.received, /^HTTP\/1\.1 400 /);
});

t.test('several requests on one connection', async (t) => {
  const { port } = await serve(t);
  const client = await rawClient(t, port);
  client.write('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
  await waitUntil('three answers', () => client.received.split('hello\n').length === 4);
  client.write('GET /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab');
  await gone(client);
  t.match(client.received, /Connection: close/, 'a body is not read, so it is the last one');
});

t.test('what Node would answer by itself', async (t) => {
  const { port } = await guarded(t, USERS);
  const host = 'Host: localhost\r\n';
  for (const [head, expected] of [
    [`POST /hello HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 5\r\n`, /^HTTP\/1\.1 401 /],
    [`GET /hello HTTP/1.1\r\n${host}Expect: a miracle\r\nConnection: close\r\n`, /^HTTP\/1\.1 401 /],
    [
      `GET /hello HTTP/1.1\r\n${host}Connection: Upgrade, close\r\nUpgrade: websocket\r\n`,
      /^HTTP\/1\.1 401 /,
    ],
    [`CONNECT localhost:22 HTTP/1.1\r\n${host}`, /^HTTP\/1\.1 405 .*\r\nAllow: GET, HEAD\r\n/],
    [`GET /hello HTTP/1.1\r\nConnection: close\r\n`, /^HTTP\/1\.1 400 /],
  ] as const) {
    const client = await rawClient(t, port);
    client.write(`${head}\r\n`);
    await gone(client);
    t.match(client.received, expected, head);
    t.notMatch(client.received, 'hello\n');
  }
});

t.test('headers that are too large', async (t) => {
  const { port, url } = await serve(t);
  const client = await rawClient(t, port);
  client.write(`GET /hello HTTP/1.1\r\nX: ${'x'.repeat(9000)}`);
  await gone(client);
  t.match(client.received, /^HTTP\/1\.1 431 /);
  // what the server has not read resets the connection, and its answer may be lost
  const worse = await rawClient(t, port);
  worse.write(`GET /hello HTTP/1.1\r\nX: ${'x'.repeat(1_000_000)}`);
  await gone(worse);
  t.equal((await answerOf(get(`${url}/hello`))).status, 200);
});

t.test('clients that send nothing, or not all of it, lose their connection', async (t) => {
  const { port } = await serve(t, { limits: { requestMs: 50, idleMs: 50 } });
  const silent = await rawClient(t, port);
  const slow = await rawClient(t, port);
  slow.write('GET /hello HTTP/1.1\r\nX: ');
  const idle = await rawClient(t, port);
  idle.write('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await Promise.all([silent, slow, idle].map(gone));
  t.equal(silent.received, '');
  t.equal(slow.received, '');
  t.match(idle.received, /hello\n$/);
});

t.test('clients that only wait do not keep others out', async (t) => {
  const { port, url } = await serve(t, { limits: { connections: 4 } });
  const waiting = [];
  for (let i = 0; i < 4; i++) waiting.push(await rawClient(t, port));
  for (let i = 0; i < 8; i++) t.equal((await answerOf(get(`${url}/hello`, { agent: false }))).status, 200);
  await gone(waiting[0]!);
  t.pass('the one that has waited longest has gone');
});

t.test('more requests than connections are allowed', async (t) => {
  const gate = new Gate();
  const { port, url } = await serve(t, { gate, limits: { connections: 2 } });
  const first = [answerOf(get(`${url}/gate`)), answerOf(get(`${url}/gate`))];
  await waitUntil('both requests', () => gate.waiting === 2);
  const refused = await rawClient(t, port);
  await gone(refused);
  t.equal(refused.received, '');
  gate.open();
  t.strictSame(
    (await Promise.all(first)).map(({ status }) => status),
    [200, 200],
  );
  t.equal((await answerOf(get(`${url}/hello`))).status, 200);
});

t.test('a client that does not read its answer', async (t) => {
  let left: Promise<unknown> | undefined;
  const gate = Object.assign(new Gate(), {
    handler: (({ response }) => {
      left = once(response, 'close');
      response.end('x'.repeat(1e8));
    }) satisfies Handler,
  });
  const { port } = await serve(t, { gate, limits: { answerMs: 100 } });
  const client = await rawClient(t, port);
  client.pause();
  client.write('GET /gate HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await waitUntil('the request', () => left !== undefined);
  await left;
  client.resume();
  await gone(client);
  t.ok(client.received.length < 1e8, 'the rest of it is not sent');
});

t.test('the end: what is asked is answered, and nothing else is taken', async (t) => {
  const gate = new Gate();
  const { port, url, server } = await serve(t, { gate });
  const asked = answerOf(get(`${url}/gate`));
  const idle = await rawClient(t, port);
  await waitUntil('the request', () => gate.waiting === 1);
  let hasEnded = false;
  const ended = server.end().then(() => {
    hasEnded = true;
  });
  await gone(idle);
  await t.rejects(answerOf(get(`${url}/hello`, { agent: false })), { code: 'ECONNREFUSED' });
  t.equal(hasEnded, false);
  gate.open();
  t.match(await asked, { status: 200, body: 'open\n', headers: {} });
  await ended;
});

t.test('the end does not wait for ever', async (t) => {
  const gate = new Gate();
  const { url, server } = await serve(t, { gate, limits: { endMs: 50 } });
  const asked = answerOf(get(`${url}/gate`));
  asked.catch(() => {});
  await waitUntil('the request', () => gate.waiting === 1);
  await server.end();
  await t.rejects(asked, { code: 'ECONNRESET' });
});

t.test('UNIX sockets', async (t) => {
  // a path of the checkout may be longer than a UNIX socket can have
  const path = join(ownDirectory(t), 'socket');
  const { server } = await serve(t);
  t.equal(await server.listen({ path }), `unix:${path}`);
  t.match(await answerOf(get({ socketPath: path, path: '/hello', agent: false })), { status: 200 });
  const other = await serve(t);
  await t.rejects(
    other.server.listen({ path }),
    { message: `cannot listen on unix:${path}: it is in use` },
    'somebody serves it',
  );
  await server.end();
  t.notOk(existsSync(path), 'it is removed at the end');
  // what a process leaves that was killed: a name at which nobody listens
  const listener = createServer().listen(`${path}.old`);
  await once(listener, 'listening');
  renameSync(`${path}.old`, path);
  await new Promise((resolve) => listener.close(resolve));
  await other.server.listen({ path });
  t.match(await answerOf(get({ socketPath: path, path: '/hello', agent: false })), { status: 200 });
});

t.test('a wrong path costs nobody a file', async (t) => {
  const path = join(ownDirectory(t), 'file');
  writeFileSync(path, 'mine');
  const { server } = await serve(t);
  await t.rejects(server.listen({ path }), {
    message: `cannot listen on unix:${path}: there is something else of this name`,
  });
  t.equal(readFileSync(path, 'utf8'), 'mine');
});

t.test('a UNIX socket in a directory that is not there', async (t) => {
  const directory = ownDirectory(t);
  writeFileSync(join(directory, 'file'), '');
  const { server } = await serve(t);
  for (const path of [join(directory, 'none/socket'), join(directory, 'file/socket')])
    await t.rejects(server.listen({ path }), { message: `cannot listen on unix:${path}: no such directory` });
});

t.test('an address without its interface', async (t) => {
  const { server } = await serve(t);
  await t.rejects(server.listen({ host: 'fe80::1', port: 0 }), {
    message: 'cannot listen on [fe80::1]:0: a link-local address needs its interface, such as [fe80::1%eth0]',
  });
  await t.rejects(server.listen({ host: 'fe80::1%nosuch', port: 0 }), {
    message: 'cannot listen on [fe80::1%nosuch]:0: there is no such interface',
  });
});

t.test('a web site that names itself after an address of this host', async (t) => {
  const ask = (url: string, host: string) =>
    answerOf(get(`${url}/hello`, { agent: false, headers: { Host: host } }));
  const { url, server } = await serve(t);
  for (const host of ['127.0.0.1:1', '[::1]:1', '10.0.0.1', 'localhost:1', 'a.localhost', hostname()])
    t.match(await ask(url, host), { status: 200 }, host);
  for (const host of [
    'evil.example',
    'evil.example:10043',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
  ])
    t.match(await ask(url, host), { status: 421, body: /^Host must be an address, localhost/ }, `'${host}'`);
  const { port } = new URL(url);
  const raw = await rawClient(t, Number(port));
  raw.write('GET /hello HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n');
  t.match(String((await once(raw, 'data'))[0]), /^HTTP\/1\.1 400 /, 'two names');
  const everywhere = await server.listen({ host: '0.0.0.0', port: 0 });
  t.match(await ask(everywhere, 'exporter.example'), { status: 200 }, 'other hosts have names for this one');
  const { url: secret } = await serve(t, { access: () => ({ ...OPEN, isOpen: false }) });
  t.match(
    await ask(secret, 'proxy.example'),
    { status: 200 },
    'a browser sends no password to a site of another name',
  );
});

t.test('addresses', async (t) => {
  t.strictSame(readAddress('127.0.0.1:80'), { host: '127.0.0.1', port: 80 });
  t.strictSame(readAddress('[::1]:80'), { host: '::1', port: 80 });
  t.strictSame(readAddress(':80'), { port: 80 });
  t.strictSame(readAddress('localhost:0'), { host: 'localhost', port: 0 });
  t.strictSame(readAddress('unix:/a b:1'), { path: '/a b:1' });
  for (const text of ['', '80', 'a:b', '::1:80', '[]:80', 'a:65536', 'unix:', `unix:/${'x'.repeat(107)}`])
    t.throws(() => readAddress(text), { name: 'UsageError' }, text);
  t.strictSame(passedSockets({ LISTEN_FDS: '2', LISTEN_PID: '7' }, 7), [{ fd: 3 }, { fd: 4 }]);
  t.strictSame(passedSockets({ LISTEN_FDS: '2', LISTEN_PID: '8' }, 7), [], 'for another process');
  t.strictSame(passedSockets({ LISTEN_FDS: '-1', LISTEN_PID: '7' }, 7), []);
  t.strictSame(passedSockets({}, 7), []);
});

/** `secret` */
const HASH = '$2b$04$JHcUfBVbyIFoVL3mrOnTPuVBLzsfop/JChcBaNrwlttJEKGZ.hFtm';
const USERS = `basic_auth_users:\n  me: ${HASH}\n`;
const TLS = 'tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n';

/** A server with a web configuration that the test can change. */
async function guarded(t: Test, text: string) {
  const directory = t.testdir({ ...PEM, 'web.yml': text });
  const file = join(directory, 'web.yml');
  const notes: string[] = [];
  const access = new WebAccess(file, (note) => notes.push(note));
  const world = await serve(t, { access: () => access.current() });
  const change = (content: string, name = 'web.yml'): void => {
    writeFileSync(join(directory, `${name}.new`), content);
    renameSync(join(directory, `${name}.new`), join(directory, name));
  };
  return { ...world, notes, change, file, directory };
}

const basic = (text: string) => ({
  agent: false as const,
  headers: { Authorization: `Basic ${Buffer.from(text).toString('base64')}` },
});

t.test('passwords', async (t) => {
  const { url, notes, change, file } = await guarded(t, USERS);
  const status = async (options: object): Promise<number> =>
    (await answerOf(get(`${url}/hello`, { agent: false, ...options }))).status;
  const asked = await answerOf(get(`${url}/hello`, { agent: false }));
  t.match(asked, { status: 401, headers: { 'www-authenticate': /^Basic realm=/ } });
  t.equal(await status(basic('me:secret')), 200);
  t.equal(await status(basic('me:secret')), 200, 'again, from what is known');
  for (const wrong of ['me:Secret', 'me:', 'me', 'you:secret', ':', 'me:secret\0'])
    t.equal(await status(basic(wrong)), 401, JSON.stringify(wrong));
  t.equal(await status({ headers: { Authorization: 'Bearer secret' } }), 401);
  t.equal(await status({ method: 'POST' }), 401, 'before anything else is looked at');

  change('basic_auth_users:\n  me: wrong\n');
  t.equal(await status(basic('me:secret')), 200, 'a wrong file changes nothing');
  t.equal(await status({}), 401);
  t.strictSame(
    notes,
    [
      `${file} line 2: the password of me must be a bcrypt hash, as htpasswd -nB prints it; the configuration before it stays in force`,
    ],
    'and is told once',
  );
  rmSync(file);
  t.equal(await status({}), 401);
  t.match(notes[1], /web\.yml: no such file or directory; the configuration before it/);
  change(`basic_auth_users:\n  you: ${HASH}\n`);
  t.equal(await status(basic('me:secret')), 401);
  t.equal(await status(basic('you:secret')), 200);
  change('');
  t.equal(await status({}), 401, 'an empty file is one that is being written');
  t.match(notes[2], /web\.yml: is empty; the configuration before it/);
  change('# nothing\n');
  t.equal(await status({}), 200, 'nobody is asked any more');
  t.equal(notes.length, 3);
});

t.test('a configuration that cannot be reached any more', async (t) => {
  const { url, notes, file } = await guarded(t, USERS);
  rmSync(file);
  // as when its directory is closed to us, which root does not notice
  symlinkSync('web.yml', file);
  for (const [text, status] of Object.entries({ 'me:wrong': 401, 'me:secret': 200 }))
    t.match(await answerOf(get(`${url}/hello`, basic(text))), { status });
  t.equal(notes.length, 1);
  t.match(notes[0], /web\.yml: .*; the configuration before it stays in force$/);
});

t.test('many wrong passwords at once', async (t) => {
  const auth = new BasicAuth(new Map([['me', HASH]]));
  const header = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const outcomes = await Promise.all(Array.from({ length: 40 }, (_, i) => auth.admits(header(`me:${i}`))));
  t.strictSame(
    [false, 'busy'].map((wanted) => outcomes.filter((outcome) => outcome === wanted).length),
    [16, 24],
    'some are compared, and the others do not wait',
  );
  t.equal(await auth.admits(header('me:secret')), true);
});

t.test('TLS', async (t) => {
  const { url, port, change, directory } = await guarded(t, TLS);
  const secure = { ca: PEM['ca.crt'], agent: false as const };
  t.match(url, /^https:/);
  t.equal((await answerOf(getHttps(`${url}/hello`, secure))).status, 200);
  await t.rejects(
    answerOf(getHttps(`${url}/hello`, { agent: false })),
    /self.signed|verify/i,
    'unknown authority',
  );
  await t.rejects(
    answerOf(getHttps(`${url}/hello`, { ...secure, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })),
  );
  await t.rejects(answerOf(get({ port, host: '127.0.0.1', path: '/hello' })), 'without TLS');
  const silent = await rawClient(t, port);
  t.equal((await answerOf(getHttps(`${url}/hello`, secure))).status, 200, 'beside a half-open connection');
  silent.destroy();

  change(PEM['stranger.crt'], 'server.crt');
  t.equal(
    (await answerOf(getHttps(`${url}/hello`, secure))).status,
    200,
    'the key of another certificate: the one before stays',
  );
  change(PEM['stranger.key'], 'server.key');
  await t.rejects(
    answerOf(getHttps(`${url}/hello`, secure)),
    { code: /VERIFY|SELF_SIGNED|UNABLE/ },
    'both are new',
  );
  change('{}');
  const plain = url.replace('https', 'http');
  t.equal((await answerOf(get(`${plain}/hello`))).status, 200, 'switched off');
  t.ok(directory);
});

t.test('certificates of clients', async (t) => {
  const ca = '  client_ca_file: ca.crt\n';
  const { url, change } = await guarded(t, TLS);
  const outcome = async (name?: 'client' | 'stranger'): Promise<string> => {
    const own = name ? { cert: PEM[`${name}.crt`], key: PEM[`${name}.key`] } : {};
    try {
      const options = { ca: PEM['ca.crt'], agent: false as const, ...own };
      return String((await answerOf(getHttps(`${url}/hello`, options))).status);
    } catch {
      return 'refused';
    }
  };
  const outcomes = async (): Promise<string[]> => [
    await outcome(),
    await outcome('client'),
    await outcome('stranger'),
  ];
  const expected = {
    NoClientCert: ['200', '200', '200'],
    RequestClientCert: ['200', '200', '200'],
    RequireAnyClientCert: ['refused', '200', '200'],
    VerifyClientCertIfGiven: ['200', '200', 'refused'],
    RequireAndVerifyClientCert: ['refused', '200', 'refused'],
  };
  for (const [type, wanted] of Object.entries(expected)) {
    change(`${TLS}  client_auth_type: ${type}\n${type.includes('Verify') ? ca : ''}`);
    t.strictSame(await outcomes(), wanted, type);
  }
});

/** What both sides have agreed on; `refused` if nothing. */
async function handshake(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: PEM['ca.crt'], ...options });
  try {
    await once(socket, 'secureConnect');
    const { standardName } = socket.getCipher();
    return [standardName, socket.alpnProtocol || undefined].filter(Boolean).join(' ');
  } catch {
    return 'refused';
  } finally {
    socket.destroy();
  }
}

t.test('cipher suites', async (t) => {
  const { port, change } = await guarded(t, TLS);
  const tls12 = (...ciphers: string[]) => ({ maxVersion: 'TLSv1.2', ciphers: ciphers.join(':') }) as const;
  const [AES128, AES256] = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'];
  const NAMES = {
    [AES128!]: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    [AES256!]: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  };
  const suites = (...names: string[]): void => change(`${TLS}  cipher_suites: [${names.join(', ')}]\n`);
  t.equal(await handshake(port, tls12(AES128!)), NAMES[AES128!], 'without a list');

  suites(NAMES[AES256!]!);
  t.equal(await handshake(port, tls12(AES128!)), 'refused');
  t.equal(await handshake(port, tls12(AES128!, AES256!)), NAMES[AES256!]);
  t.match(await handshake(port, { minVersion: 'TLSv1.3' }), /^TLS_/, 'those of TLS 1.3 are always there');

  suites('TLS_AES_128_GCM_SHA256');
  t.equal(await handshake(port, tls12(AES128!, AES256!)), 'refused', 'a list with those of TLS 1.3 only');
  t.equal(await handshake(port, { ciphers: 'TLS_AES_256_GCM_SHA384' }), 'TLS_AES_256_GCM_SHA384');

  // each of Go's names is the one that OpenSSL takes for it
  for (const kind of ['ECDSA', 'RSA']) {
    const key = kind === 'RSA' ? TLS.replaceAll('server.', 'rsa.') : TLS;
    for (const [name, cipher] of Object.entries(CIPHERS)) {
      if (cipher === undefined) continue;
      change(`${key}  cipher_suites: [${name}]\n`);
      const expected = new RegExp(`_${kind}_`).test(name) ? name : 'refused';
      t.equal(await handshake(port, { ...tls12(cipher), rejectUnauthorized: false }), expected, kind);
    }
  }

  const both = [NAMES[AES128!]!, NAMES[AES256!]!].join(', ');
  for (const [prefers, expected] of [
    ['true', AES128],
    ['false', AES256],
  ] as const) {
    change(`${TLS}  cipher_suites: [${both}]\n  prefer_server_cipher_suites: ${prefers}\n`);
    t.equal(await handshake(port, tls12(AES256!, AES128!)), NAMES[expected!], `prefer: ${prefers}`);
  }
});

t.test('versions of TLS', async (t) => {
  const { port, change } = await guarded(t, TLS);
  const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
  /** Which versions are spoken, when a client has no other one. */
  const spoken = async (lines: string): Promise<string[]> => {
    change(`${TLS}${lines}`);
    const outcomes = [];
    for (const version of VERSIONS) {
      const only = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' } as const;
      if ((await handshake(port, only)) !== 'refused') outcomes.push(version);
    }
    return outcomes;
  };
  const [TLS10, TLS11, TLS12, TLS13] = VERSIONS;
  t.strictSame(await spoken(''), [TLS12, TLS13]);
  t.strictSame(await spoken('  min_version: TLS10\n'), [...VERSIONS]);
  t.strictSame(await spoken('  min_version: TLS11\n'), [TLS11, TLS12, TLS13]);
  t.strictSame(await spoken('  min_version: TLS13\n'), [TLS13]);
  t.strictSame(await spoken('  max_version: TLS12\n'), [TLS12]);
  t.strictSame(await spoken('  min_version: TLS10\n  max_version: TLS11\n'), [TLS10, TLS11]);
  t.strictSame(await spoken('  min_version: TLS12\n  max_version: TLS12\n'), [TLS12]);
  t.strictSame(
    await spoken('  min_version: TLS10\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]\n'),
    [...VERSIONS],
  );
  t.strictSame(
    await spoken('  min_version: TLS10\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n'),
    [TLS12, TLS13],
    'older versions do not have it',
  );
});

t.test('curves', async (t) => {
  const { port, change } = await guarded(t, TLS);
  const curves = { CurveP256: 'P-256', CurveP384: 'P-384', CurveP521: 'P-521', X25519: 'X25519' };
  for (const [name, own] of Object.entries(curves)) {
    change(`${TLS}  curve_preferences: [${name}]\n`);
    const outcomes = [];
    for (const ecdhCurve of Object.values(curves))
      outcomes.push((await handshake(port, { minVersion: 'TLSv1.3', ecdhCurve })) !== 'refused');
    t.strictSame(
      outcomes,
      Object.values(curves).map((other) => other === own),
      name,
    );
  }
});

t.test('clients of HTTP/2 get HTTP/1.1', async (t) => {
  const { port, change } = await guarded(t, TLS);
  for (const http2 of [true, false]) {
    change(`${TLS}http_server_config:\n  http2: ${http2}\n`);
    t.match(await handshake(port, { ALPNProtocols: ['h2', 'http/1.1'] }), / http\/1\.1$/);
  }
});

t.test('certificates in the file, and names of clients', async (t) => {
  const inline = (key: string, name: keyof typeof PEM): string =>
    `  ${key}: |\n${PEM[name].replace(/^/gm, '    ').trimEnd()}\n`;
  const text = `tls_server_config:\n${inline('cert', 'server.crt')}${inline('key', 'server.key')}${inline('client_ca', 'ca.crt')}`;
  const names = (...all: string[]): string =>
    `${text}  client_auth_type: VerifyClientCertIfGiven\n  client_allowed_sans: [${all.join(', ')}]\n`;
  const { url, change, directory } = await guarded(t, names('localhost'));
  const status = async (name?: 'client' | 'stranger'): Promise<number | string> => {
    const own = name ? { cert: PEM[`${name}.crt`], key: PEM[`${name}.key`] } : {};
    const options = { ca: PEM['ca.crt'], agent: false as const, ...own };
    return answerOf(getHttps(`${url}/hello`, options)).then(
      (answer) => answer.status,
      () => 'refused',
    );
  };
  t.equal(await status('client'), 200, 'the name of a host');
  t.equal(await status('stranger'), 'refused', 'the name is right, but nobody has verified it');
  t.equal(await status(), 'refused', 'without a certificate');
  for (const [allowed, expected] of [
    ['"*", 127.0.0.1', 200],
    ['client', 'refused'],
    ['"*", local', 'refused'],
    ['', 'refused'],
  ] as const) {
    change(names(allowed));
    t.equal(await status('client'), expected, allowed);
  }
  change(names('localhost').replace('MHcC', 'MHcX'));
  t.equal(await status('client'), 'refused', 'a damaged key changes nothing');
  t.throws(() => new WebAccess(join(directory, 'web.yml'), () => {}), {
    message: new RegExp(`^${join(directory, 'web.yml')}: `),
  });
});

t.test('names in a certificate', async (t) => {
  t.strictSame(alternativeNames(), []);
  t.strictSame(
    alternativeNames('DNS:a.example, IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://a/b, email:a@b.example'),
    ['a.example', '2001:db8::1', 'spiffe://a/b', 'a@b.example'],
  );
  t.strictSame(alternativeNames('URI:"http://a/?b, DNS:c.example", DNS:d.example'), [
    'http://a/?b, DNS:c.example',
    'd.example',
  ]);
  t.strictSame(alternativeNames('othername:"x, DNS:evil.example, y", Registered ID:1.2, DNS:a'), ['a']);
  t.strictSame(alternativeNames('DirName:"CN=a\\", DNS:evil.example"'), []);
});

t.test('more requests than the rate limit allows', async (t) => {
  const { url, change } = await guarded(t, `${USERS}rate_limit:\n  burst: 2\n  interval: 1h\n`);
  const status = async (options: object): Promise<number> =>
    (await answerOf(get(`${url}/hello`, { agent: false, ...options }))).status;
  t.equal(await status(basic('me:secret')), 200);
  t.equal(await status({}), 401, 'counted as well');
  t.equal(await status(basic('me:secret')), 429);
  change(USERS);
  t.equal(await status(basic('me:secret')), 200);

  let now = 0;
  const limiter = new RateLimiter({ burst: 2, intervalMs: 100 }, () => now);
  const take = (times: number) => Array.from({ length: times }, () => limiter.take());
  t.strictSame(take(3), [true, true, false]);
  now = 99;
  t.strictSame(take(1), [false]);
  now = 100;
  t.strictSame(take(2), [true, false]);
  now = 10_000;
  t.strictSame(take(3), [true, true, false], 'no more than at first');
});

t.test('a wrong configuration at the start', async (t) => {
  const directory = t.testdir({
    ...PEM,
    'web.yml': TLS,
    'other.yml': TLS.replace('server.key', 'client.key'),
  });
  const open = (name: string) => () => new WebAccess(join(directory, name), () => {});
  t.doesNotThrow(open('web.yml'));
  t.throws(open('other.yml'), { name: 'WebConfigError', message: /server\.crt, .*client\.key: / });
  t.throws(open('none.yml'), { code: 'ENOENT' });
  for (const name of ['.', '../../../../../../../../../dev/zero'])
    t.throws(open(name), { name: 'WebConfigError', message: /: is not a regular file$/ }, name);
  writeFileSync(join(directory, 'large.yml'), '#'.repeat(1024 * 1024 + 1));
  t.throws(open('large.yml'), { name: 'WebConfigError', message: /: is larger than 1048576 bytes$/ });
});
