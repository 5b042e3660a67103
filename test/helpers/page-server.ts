// SPDX-License-Identifier: MIT
/** Serves the page of smc_exporter on a free port of this host, as the server of the command does. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PageRoutes } from '../../src/commands/smc_exporter/page/routes.ts';
import { waitUntil } from './wait.ts';

export interface PageServer {
  url: string;
  /** paths that were asked for */
  readonly requests: string[];
  /** Cuts all connections and serves nobody until `open` is called. */
  cut(): Promise<void>;
  /** Serves again, on the same port. */
  open(): Promise<void>;
  close(): Promise<void>;
}

export async function servePage({ routes, close }: PageRoutes): Promise<PageServer> {
  const requests: string[] = [];
  let port = 0;
  let server: Server;
  let stop: AbortController;
  const open = async (): Promise<void> => {
    stop = new AbortController();
    const { signal } = stop;
    server = createServer(async (request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      requests.push(pathname);
      const handler = routes.get(pathname);
      if (!handler) response.writeHead(404).end();
      else await handler({ request, response, stop: signal, keepOpen: () => {} });
    });
    // a connection of somebody else may have been given the port meanwhile
    await waitUntil('the port', async () => {
      server.listen(port, '127.0.0.1');
      return once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error;
      });
    });
    ({ port } = server.address() as AddressInfo);
  };
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    stop.abort();
    server.closeAllConnections();
    await closed;
  };
  await open();
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    cut,
    open,
    async close() {
      close();
      await cut();
    },
  };
}
