// SPDX-License-Identifier: MIT
/** Servers on a free port. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { SmcError } from '../../smc/error.ts';

/** All addresses of both families. */
export const EVERYWHERE = ['0.0.0.0', '::'] as const;

/** How many ports are tried, from the first one upward. */
const PORTS_TRIED = 100;

/** Families that are not there on every host. */
const NO_FAMILY = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT']);

/**
 * Listens on the first port that is free on all of the addresses.
 * @param hosts those of a family that this host does not have are left out
 * @throws SmcError when there is none
 */
export async function listen(
  hosts: readonly string[],
  first: number,
  onConnection: (socket: Socket) => void,
  debug: (line: string) => void = () => {},
): Promise<{ servers: Server[]; port: number }> {
  const last = Math.min(first + PORTS_TRIED - 1, 65_535);
  for (let port = first; port <= last; port++) {
    const servers: Server[] = [];
    try {
      for (const host of hosts) {
        const server = await listenOn(host, port, onConnection).catch((error: NodeJS.ErrnoException) => {
          if (!NO_FAMILY.has(error.code ?? '')) throw error;
          debug(`${host} is not served: ${error.code}`);
        });
        if (server) servers.push(server);
      }
      if (servers.length > 0) return { servers, port: (servers[0]!.address() as AddressInfo).port };
      throw new SmcError('NOT_SUPPORTED', 'this host has no address family to serve on');
    } catch (error) {
      for (const server of servers) server.close();
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES')
        throw new SmcError('NOT_SUPPORTED', `this user may not use port ${port}`, {
          hint: 'choose one of 1024 or higher with --port',
        });
      if (code !== 'EADDRINUSE') throw error;
      debug(`port ${port} is in use`);
    }
  }
  throw new SmcError('FULL', `no port from ${first} to ${last} is free`, {
    hint: 'choose another with --port',
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
