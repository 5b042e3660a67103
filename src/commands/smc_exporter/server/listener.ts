// SPDX-License-Identifier: MIT
import { unlinkSync } from 'node:fs';
import { type AddressInfo, connect, type Server } from 'node:net';
import type { ListenAddress } from './addresses.ts';

/**
 * Makes a server listen.
 * @returns what clients type for it
 * @throws Node's own error
 */
export async function listenAt(server: Server, address: ListenAddress, scheme: string): Promise<string> {
  try {
    await listening(server, address);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' || !('path' in address) || (await isServed(address.path))) throw error;
    // what is left of a process that was killed
    unlinkSync(address.path);
    await listening(server, address);
  }
  const place = server.address() as AddressInfo | string | null;
  if (place === null || typeof place === 'string')
    return `unix:${place ?? ('fd' in address ? `fd ${address.fd}` : '')}`;
  const host = place.family === 'IPv6' ? `[${place.address}]` : place.address;
  return `${scheme}://${host}:${place.port}`;
}

function listening(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whether somebody accepts connections at a UNIX socket. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
  });
}
