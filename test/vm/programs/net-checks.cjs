// SPDX-License-Identifier: MIT
// Behaviour of node:net that programs rely on, one result per line, in the format of python-tests.py.
const net = require('node:net');
const http = require('node:http');
const { once } = require('node:events');
const { createHash, randomBytes } = require('node:crypto');
const assert = require('node:assert');
const { fork } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');

// limit for a check that hangs; on an idle machine, none takes a second
const LIMIT_MS = 600_000;
const open = new Set();

/** A server on a free port, closed with all its connections at the end of the check. */
async function serve(handler, { host = '127.0.0.1', ...options } = {}) {
  const server = net.createServer(options, handler);
  open.add(server);
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => {});
  });
  server.listen({ port: 0, host });
  await once(server, 'listening');
  return server;
}

async function dial(server, options = {}) {
  const { port, address } = server.address();
  const socket = net.connect({ port, host: address === '::' ? '::1' : address, ...options });
  open.add(socket);
  await once(socket, 'connect');
  return socket;
}

/** All data up to the end. Unlike an iterator, this does not destroy the stream. */
async function readAll(stream) {
  const parts = [];
  stream.on('data', (part) => parts.push(part));
  await once(stream, 'end');
  return Buffer.concat(parts);
}

const failure = (emitter) =>
  new Promise((resolve) => {
    emitter.once('error', resolve);
  });

const CHECKS = {
  async 'echo of 4 MB both ways at once'() {
    const server = await serve((socket) => socket.pipe(socket));
    const socket = await dial(server);
    const data = randomBytes(4 << 20);
    socket.end(data);
    const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');
    assert.equal(digest(await readAll(socket)), digest(data));
  },
  async 'addresses of both ends'() {
    const server = await serve((socket) =>
      socket.end(`${socket.remoteAddress} ${socket.remotePort} ${socket.remoteFamily}`),
    );
    const socket = await dial(server);
    const { localPort, remotePort } = socket;
    assert.equal((await readAll(socket)).toString(), `127.0.0.1 ${localPort} IPv4`);
    assert.equal(remotePort, server.address().port);
  },
  async IPv6() {
    const server = await serve((socket) => socket.end(socket.remoteAddress), { host: '::1' });
    assert.equal((await readAll(await dial(server))).toString(), '::1');
  },
  async 'IPv4 client of an IPv6 server'() {
    const server = await serve((socket) => socket.end(socket.remoteAddress), { host: '::' });
    const socket = await dial(server, { host: '127.0.0.1' });
    assert.equal((await readAll(socket)).toString(), '::ffff:127.0.0.1');
  },
  async 'ipv6Only leaves IPv4 out'() {
    const server = net.createServer();
    open.add(server);
    server.listen({ port: 0, host: '::', ipv6Only: true });
    await once(server, 'listening');
    const error = await failure(net.connect({ port: server.address().port, host: '127.0.0.1' }));
    assert.equal(error.code, 'ECONNREFUSED');
  },
  async 'half-open: answer after the end of the request'() {
    const server = await serve(
      async (socket) => {
        const request = await readAll(socket);
        await sleep(100);
        socket.end(`got ${request}`);
      },
      { allowHalfOpen: true },
    );
    const socket = await dial(server, { allowHalfOpen: true });
    socket.end('all');
    assert.equal((await readAll(socket)).toString(), 'got all');
  },
  async 'end of an idle connection'() {
    const server = await serve((socket) => socket.on('end', () => socket.end()));
    const socket = await dial(server);
    socket.end();
    socket.resume();
    const [hadError] = await once(socket, 'close');
    assert.equal(hadError, false);
  },
  async 'reset: resetAndDestroy is ECONNRESET at the peer'() {
    const server = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const socket = await dial(server);
    socket.resume();
    socket.write('now');
    const error = await Promise.race([failure(socket), once(socket, 'end').then(() => ({ code: 'end' }))]);
    assert.equal(error.code, 'ECONNRESET');
  },
  async 'writing to a peer that destroyed its end is an error'() {
    const server = await serve((socket) => socket.destroy());
    const socket = await dial(server, { allowHalfOpen: true });
    const timer = setInterval(() => socket.writable && socket.write('x'.repeat(1000)), 20);
    const error = await failure(socket).finally(() => clearInterval(timer));
    assert.ok(['EPIPE', 'ECONNRESET'].includes(error.code), error.code);
  },
  async 'connection refused'() {
    const server = await serve();
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    assert.equal((await failure(net.connect(port, '127.0.0.1'))).code, 'ECONNREFUSED');
  },
  async 'port in use'() {
    const server = await serve();
    const second = net.createServer().listen(server.address().port, '127.0.0.1');
    assert.equal((await failure(second)).code, 'EADDRINUSE');
  },
  async 'port free again after close, with a connection in TIME-WAIT'() {
    const server = await serve((socket) => socket.end('bye'));
    const { port } = server.address();
    await readAll(await dial(server));
    server.close();
    await once(server, 'close');
    const again = net.createServer().listen(port, '127.0.0.1');
    open.add(again);
    await once(again, 'listening');
  },
  async 'local address and port of a client'() {
    const server = await serve((socket) => socket.end(String(socket.remotePort)));
    const free = await serve();
    const { port } = free.address();
    free.close();
    await once(free, 'close');
    const socket = await dial(server, { localAddress: '127.0.0.1', localPort: port });
    assert.equal((await readAll(socket)).toString(), String(port));
  },
  async 'setNoDelay and setKeepAlive'() {
    const server = await serve((socket) => socket.pipe(socket), { noDelay: true, keepAlive: true });
    const socket = await dial(server);
    socket.setNoDelay(true).setKeepAlive(true, 1000).setNoDelay(false).setKeepAlive(false);
    socket.end('x');
    assert.equal((await readAll(socket)).toString(), 'x');
  },
  async 'idle timeout'() {
    const server = await serve(() => {});
    const socket = await dial(server);
    socket.setTimeout(100);
    await once(socket, 'timeout');
  },
  async 'back-pressure: drain after a full buffer'() {
    const server = await serve((socket) => {
      socket.pause();
      setTimeout(() => socket.resume(), 300);
    });
    const socket = await dial(server);
    const chunk = Buffer.alloc(65_536);
    let count = 0;
    while (socket.write(chunk) && count < 1000) count++;
    await once(socket, 'drain');
  },
  async 'a writer that is not read does not fill memory'() {
    const server = await serve((socket) => socket.pause());
    const socket = await dial(server);
    const chunk = Buffer.alloc(65_536);
    for (let i = 0; i < 400; i++) socket.write(chunk);
    await sleep(500);
    assert.ok(socket.writableLength > 0, 'the kernel took 25 MB');
  },
  async '50 connections at once'() {
    const server = await serve((socket) => socket.pipe(socket));
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const socket = await dial(server);
        socket.end(`n${index}`);
        return (await readAll(socket)).toString();
      }),
    );
    assert.deepEqual(
      answers,
      Array.from({ length: 50 }, (_, index) => `n${index}`),
    );
  },
  async 'maxConnections drops what is too much'() {
    const server = await serve((socket) => socket.write('hi'));
    server.maxConnections = 1;
    const first = await dial(server);
    await once(first, 'data');
    const second = await dial(server);
    second.resume();
    await once(second, 'close');
  },
  async 'connect and destroy at once'() {
    const server = await serve((socket) => socket.end());
    for (let i = 0; i < 20; i++) {
      const socket = net.connect(server.address().port, '127.0.0.1');
      socket.on('error', () => {});
      socket.destroy();
      await once(socket, 'close');
    }
    await readAll(await dial(server));
  },
  async 'abort of a listening server'() {
    const controller = new AbortController();
    const server = net.createServer().listen({ port: 0, host: '127.0.0.1', signal: controller.signal });
    await once(server, 'listening');
    controller.abort();
    await once(server, 'close');
  },
  async 'a socket passed to a child process'() {
    const child = fork(__filename, ['--child'], { stdio: 'inherit' });
    const server = await serve((socket) => child.send('socket', socket), { pauseOnConnect: true });
    const socket = await dial(server);
    socket.write('over');
    assert.equal((await readAll(socket)).toString(), 'child got over');
    child.disconnect();
    await once(child, 'exit');
  },
  async 'a server passed to a child process'() {
    const child = fork(__filename, ['--child'], { stdio: 'inherit' });
    const server = await serve(() => assert.fail('the parent took it'));
    const told = once(child, 'message');
    child.send('server', server);
    await told;
    const { port } = server.address();
    server.close();
    const socket = net.connect(port, '127.0.0.1');
    open.add(socket);
    await once(socket, 'connect');
    socket.write('over');
    assert.equal((await readAll(socket)).toString(), 'child got over');
    child.disconnect();
    await once(child, 'exit');
  },
  async 'HTTP keep-alive: two requests on one connection'() {
    const server = http.createServer((request, response) => response.end(`${request.socket.remotePort}`));
    open.add(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async () => {
      const [response] = await once(http.get({ port: server.address().port, agent }), 'response');
      return (await readAll(response)).toString();
    };
    assert.equal(await ask(), await ask());
    agent.destroy();
  },
  async 'HTTP upload of 2 MB in chunks'() {
    const server = http.createServer(async (request, response) =>
      response.end(String((await readAll(request)).length)),
    );
    open.add(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const request = http.request({ port: server.address().port, method: 'POST' });
    for (let i = 0; i < 32; i++) request.write(Buffer.alloc(65_536));
    request.end();
    const [response] = await once(request, 'response');
    assert.equal((await readAll(response)).toString(), String(2 << 20));
  },
};

async function child() {
  const answer = (socket) => socket.once('data', (data) => socket.end(`child got ${data}`));
  process.on('disconnect', () => process.exit());
  process.on('message', (what, handle) => {
    if (what === 'socket') answer(handle);
    else {
      handle.on('connection', answer);
      process.send('listening');
    }
  });
}

async function main(names) {
  for (const [id, check] of Object.entries(CHECKS)) {
    if (names.length > 0 && !names.includes(id)) continue;
    let outcome = 'ok';
    let detail = '';
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, LIMIT_MS, 'late');
    });
    try {
      const first = await Promise.race([check(), late]);
      if (first === 'late') [outcome, detail] = ['timeout', `${LIMIT_MS / 1000} s`];
    } catch (error) {
      [outcome, detail] = ['fail', String(error.message).split('\n')[0]];
    }
    clearTimeout(timer);
    for (const one of open) {
      one.closeAllConnections?.();
      one[one.destroy ? 'destroy' : 'close']();
    }
    open.clear();
    console.log(JSON.stringify({ id: `net: ${id}`, outcome, detail }));
  }
  process.exit();
}

process.on('uncaughtException', (error) => {
  console.log(JSON.stringify({ id: 'net: uncaught', outcome: 'error', detail: error.message }));
});
if (process.argv[2] === '--child') child();
else main(process.argv.slice(2));
