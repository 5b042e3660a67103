// SPDX-License-Identifier: MIT
/** smc_chk -S: a server for tests from other hosts, which reports what each connection has become. */
import type { Socket } from 'node:net';
import { untilInterrupted } from '../../cli/interrupt.ts';
import type { Context } from '../../cli/run.ts';
import type { ServerEvent } from '../../documents/smc_chk.ts';
import type { Made } from '../../output/document.ts';
import { stringify } from '../../output/json.ts';
import { resultLine, type Tested, testConnection, testedJson } from './connection-test.ts';
import { EVERYWHERE, listen } from './listen.ts';
import type { ChkOptions } from './options.ts';
import { enterShim } from './preload.ts';
import { SocketLookup, warnBeforeLookup } from './socket-lookup.ts';
import { DEFAULT_PORT, endpointText } from './target.ts';

export async function serveMode(context: Context, options: ChkOptions): Promise<number> {
  const { port: first = DEFAULT_PORT, json } = options;
  enterShim(context);
  warnBeforeLookup(context);
  const { io, note, hostRoot } = context;
  const event = (value: Made<ServerEvent>): void => {
    io.write(`${stringify(value)}\n`);
    io.flush();
  };
  const debug = (line: string): void => {
    if (options.debug) note(`[DEBUG] ${line}`);
  };
  const client = await context.client();
  const lookup = new SocketLookup(client);

  await untilInterrupted(async (stop) => {
    const open = new Set<Socket>();
    const looks = new Set<Promise<void>>();
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
        if (json) event({ event: 'connection', error: null, ...testedJson(tested) });
        else writeLine(context, from, tested);
      } catch (error) {
        // the next connection may do better
        note(`connection from ${from} cannot be examined: ${(error as Error).message}`);
      }
      // it stays open until now, so that a peer that closes at once is seen as well
      if (socket.readableEnded) socket.end();
      else socket.once('end', () => socket.end());
    };
    const onConnection = (socket: Socket): void => {
      const look = serve(socket).finally(() => looks.delete(look));
      looks.add(look);
    };
    const { servers, port } = await listen(EVERYWHERE, first, onConnection, debug);
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
      // those that have come are still reported
      await Promise.all(looks);
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
