// SPDX-License-Identifier: MIT
/** Facts from /proc. Every reader takes the root of the tree, so that recorded trees can stand in for a host. */
import { readFileSync } from 'node:fs';

/**
 * Open sockets per protocol in the caller's network namespace, from /proc/net/protocols (third column).
 * @returns for example { TCP: 12, SMC: 3, SMC6: 0 }; a protocol that the kernel does not have is absent
 * @throws Node's own error when the file cannot be read
 */
export function socketsPerProtocol(root = '/'): Record<string, number> {
  const counts: Record<string, number> = {};
  const lines = readFileSync(`${root}/proc/net/protocols`, 'latin1').split('\n');
  for (const line of lines.slice(1)) {
    const [protocol, , sockets] = line.trim().split(/\s+/);
    if (protocol && sockets !== undefined && /^\d+$/.test(sockets)) counts[protocol] = Number(sockets);
  }
  return counts;
}
