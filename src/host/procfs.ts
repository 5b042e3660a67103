// SPDX-License-Identifier: MIT
/** Facts from /proc. Every reader has the root of the tree as a parameter, so that recorded trees can replace a host. */
import { readFileSync } from 'node:fs';
import { readHostFile } from './host-file.ts';

/**
 * Open sockets per protocol in the caller's network namespace, from /proc/net/protocols (third column).
 * @returns for example { TCP: 12, SMC: 3, SMC6: 0 }; a protocol that the kernel does not have is absent
 * @throws Node's own error when the file cannot be read
 */
export function socketsPerProtocol(root: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const lines = readHostFile('proc/net/protocols', root).split('\n');
  for (const line of lines.slice(1)) {
    const [protocol, , sockets] = line.trim().split(/\s+/);
    if (protocol && sockets !== undefined && /^\d+$/.test(sockets)) counts[protocol] = Number(sockets);
  }
  return counts;
}

/** State of an established connection in /proc/net/tcp (TCP_ESTABLISHED). */
const ESTABLISHED = '01';

/**
 * Whether a TCP connection between two ports is established, from /proc/net/tcp and tcp6.
 * @returns false as well when neither can be read
 */
export function isEstablished(localPort: number, peerPort: number, root: string): boolean {
  const ends = [localPort, peerPort].map((port) => port.toString(16).toUpperCase().padStart(4, '0'));
  return ['tcp', 'tcp6'].some((file) => {
    let lines: string[];
    try {
      lines = readFileSync(`${root}/proc/net/${file}`, 'latin1').split('\n');
    } catch {
      return false; // no IPv6 on this host
    }
    return lines.some((line) => {
      const [, local = '', peer = '', state] = line.trim().split(/\s+/);
      return state === ESTABLISHED && local.endsWith(`:${ends[0]}`) && peer.endsWith(`:${ends[1]}`);
    });
  });
}
