// SPDX-License-Identifier: MIT
import { lstatSync, statSync, unlinkSync } from 'node:fs';
import { type AddressInfo, connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { SmcError } from '../../../smc/error.ts';
import type { ListenAddress } from './addresses.ts';

/** Why an address cannot be listened at, by errno name. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'it is in use',
  EADDRNOTAVAIL: 'this host does not have the address',
  EAFNOSUPPORT: 'this host does not use IPv6',
  EEXIST: 'there is something else of this name',
  EINVAL: 'it is no socket to listen at',
  ENOENT: 'no such directory',
  ENOTDIR: 'no such directory',
  ENOTFOUND: 'there is no such host',
};

/**
 * Makes a server listen.
 * @returns what clients type for it
 * @throws SmcError when that is not possible
 */
export async function listenAt(server: Server, address: ListenAddress, scheme: string): Promise<string> {
  try {
    await listenOrReplace(server, address);
  } catch (cause) {
    throw new SmcError('INVALID', `cannot listen on ${textOf(address)}: ${reasonOf(cause, address)}`, {
      cause,
    });
  }
  const place = server.address() as AddressInfo | string | null;
  if (place === null || typeof place === 'string')
    return `unix:${place ?? ('fd' in address ? `fd ${address.fd}` : '')}`;
  const host = place.family === 'IPv6' ? `[${place.address}]` : place.address;
  return `${scheme}://${host}:${place.port}`;
}

function reasonOf(error: unknown, address: ListenAddress): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'EINVAL' && 'host' in address && address.host?.includes(':'))
    return address.host.includes('%')
      ? 'there is no such interface'
      : 'a link-local address needs its interface, such as [fe80::1%eth0]';
  // libuv makes EACCES of ENOENT
  const isMissing =
    code === 'EACCES' && 'path' in address && !statSync(dirname(address.path), { throwIfNoEntry: false });
  return REASONS[isMissing ? 'ENOENT' : code] ?? code;
}

const textOf = (address: ListenAddress): string =>
  'path' in address
    ? `unix:${address.path}`
    : 'fd' in address
      ? `descriptor ${address.fd}`
      : `${address.host?.includes(':') ? `[${address.host}]` : (address.host ?? '')}:${address.port}`;

/** A UNIX socket at which nobody listens is what is left of a process that was killed. */
async function listenOrReplace(server: Server, address: ListenAddress): Promise<void> {
  try {
    await listening(server, address);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' || !('path' in address)) throw error;
    // a wrong path must not cost anybody a file: to connect to one fails as it does at a socket that is left
    if (!lstatSync(address.path).isSocket()) throw Object.assign(new Error('no socket'), { code: 'EEXIST' });
    if (await isServed(address.path)) throw error;
    unlinkSync(address.path);
    await listening(server, address);
  }
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
