// SPDX-License-Identifier: MIT
/** smc_chk -S: a server for tests from other hosts, which reports what each connection has become. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { untilInterrupted } from '../../cli/interrupt.ts';
import { type Parsed, UsageError } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';
import { type Json, stringify } from '../../output/json.ts';
import { SmcError } from '../../smc/error.ts';
import { enterShim } from './shim.ts';
import { SocketLookup } from './socket-lookup.ts';
import { DEFAULT_PORT, endpointText, parsePort } from './target.ts';
import { resultLine, type Tested, testConnection, testedJson } from './tested.ts';

/** How many ports are tried, from the first one upward. */
const PORTS_TRIED = 100;

/** Families that are not there on every host. */
const NO_FAMILY = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT']);

export async function serveMode(context: Context, { flags, values }: Parsed): Promise<number> {
  const first = parsePort(values['port'] ?? String(DEFAULT_PORT));
  if (values['timeout'] !== undefined) throw new UsageError('--timeout has no meaning with --server');
  enterShim(context);
  const { io, note, hostRoot } = context;
  const json = flags.has('json');
  const event = (value: { [key: string]: Json }): void => {
    io.write(`${stringify(value)}\n`);
    io.flush();
  };
  const debug = (line: string): void => {
    if (flags.has('debug')) note(`[DEBUG] ${line}`);
  };
  const client = await context.client();
  const lookup = new SocketLookup(client);

  await untilInterrupted(async (stop) => {
    const open = new Set<Socket>();
    const serve = async (socket: Socket): Promise<void> => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', ({ message }) => debug(message));
      socket.resume();
      const { remoteAddress = '', remotePort = 0 } = socket;
      const from = endpointText(remoteAddress, remotePort);
      debug(`connection from ${from}`);
      try {
        const tested = await testConnection(client, lookup, socket, 'Server', hostRoot);
        if (stop.aborted) return;
        if (json) event({ event: 'connection', error: null, ...testedJson(tested) });
        else writeLine(context, from, tested);
      } catch (error) {
        // an end in the middle of a look, or the kernel does not tell: the next connection may do better
        if (!stop.aborted) note(`connection from ${from} cannot be looked at: ${(error as Error).message}`);
      }
      // it stays open until now, so that a peer that closes at once is seen as well
      if (socket.readableEnded) socket.end();
      else socket.once('end', () => socket.end());
    };
    const { servers, port } = await listen(first, (socket) => void serve(socket), debug);
    try {
      if (json) event({ event: 'started', port });
      else io.write(`Server started on port ${port}\n`);
      io.flush();
      await new Promise<void>((resolve) => {
        if (stop.aborted) return resolve();
        stop.addEventListener('abort', () => resolve());
      });
    } finally {
      for (const server of servers) server.close();
      for (const socket of open) socket.destroy();
    }
  });
  return 0;
}

function writeLine({ io, paint }: Context, from: string, tested: Tested): void {
  const style = tested.verdict && tested.verdict.mode !== 'TCP' ? 'good' : 'bad';
  io.write(`${from} ${paint(style, resultLine(tested))}\n`);
  io.flush();
}

/**
 * Listens on the first port that is free in both families.
 * @throws SmcError when there is none
 */
async function listen(
  first: number,
  onConnection: (socket: Socket) => void,
  debug: (line: string) => void,
): Promise<{ servers: Server[]; port: number }> {
  const last = Math.min(first + PORTS_TRIED - 1, 65_535);
  for (let port = first; port <= last; port++) {
    const servers: Server[] = [];
    try {
      for (const host of ['0.0.0.0', '::']) {
        const server = await listenOn(host, port, onConnection).catch((error: NodeJS.ErrnoException) => {
          if (!NO_FAMILY.has(error.code ?? '')) throw error;
          debug(`${host} is not served: ${error.code}`);
        });
        if (server) servers.push(server);
      }
      if (servers.length > 0) return { servers, port: (servers[0]!.address() as AddressInfo).port };
      throw new SmcError('NOT_SUPPORTED', 'this host has no address family to serve');
    } catch (error) {
      for (const server of servers) server.close();
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES')
        throw new SmcError('NOT_SUPPORTED', `port ${port} must not be used by this user`, {
          hint: 'choose one from 1024 upward with --port',
        });
      if (code !== 'EADDRINUSE') throw error;
      debug(`port ${port} is in use`);
    }
  }
  throw new SmcError('FULL', `no port from ${first} to ${last} is free`, {
    hint: 'choose others with --port',
  });
}

async function listenOn(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const { createServer } = await import('node:net');
  const server = createServer({ allowHalfOpen: true }, onConnection);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: host === '::' }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
