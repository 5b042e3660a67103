// SPDX-License-Identifier: MIT
/**
 * Against DNS rebinding: a web site whose name its owner points to 127.0.0.1 makes a browser on this host ask us in the
 * site's name, and can read the answer. The browser says in `Host` which name it is.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** Whether an address is one that only programs on this host reach. */
export const isLoopback = (address: string): boolean => /^127\.|^::1$|^::ffff:127\./.test(address);

/**
 * Whether a name in a request is one that nobody else can have: an address, localhost, or the name of this host.
 * @param host the header `Host`; every browser sends it, so a request without it comes from another program
 */
export function isOwnName(host: string | undefined): boolean {
  if (host === undefined) return true;
  const name = host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return (
    isIP(name) !== 0 ||
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === hostname().toLowerCase()
  );
}
