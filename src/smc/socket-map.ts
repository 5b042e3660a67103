// SPDX-License-Identifier: MIT
/** What is remembered of sockets between two lists. */
import type { SeenSocket } from './seen-socket.ts';

type Key = number | bigint;

/** Halves of a cookie up to here make a number that is exact. */
const EXACT_HIGH = 0x20_0000;

function keyOf({ id: { cookieLow, cookieHigh } }: Pick<SeenSocket, 'id'>): Key {
  return cookieHigh < EXACT_HIGH
    ? cookieHigh * 0x1_0000_0000 + cookieLow
    : (BigInt(cookieHigh) << 32n) | BigInt(cookieLow);
}

/**
 * Values by socket. Until Linux 5.9 each network namespace counted cookies itself (net->cookie_gen), so a socket is known by
 * both. No socket gets the cookie of an earlier one.
 */
export class SocketMap<V> {
  /** by inode of the namespace; 0 where it is not known, which is then the only one */
  readonly #namespaces = new Map<number, Map<Key, V>>();

  get(socket: SeenSocket): V | undefined {
    return this.#namespaces.get(socket.netns?.inode ?? 0)?.get(keyOf(socket));
  }

  set(socket: SeenSocket, value: V): void {
    const inode = socket.netns?.inode ?? 0;
    let values = this.#namespaces.get(inode);
    if (!values) {
      values = new Map();
      this.#namespaces.set(inode, values);
    }
    values.set(keyOf(socket), value);
  }

  delete(socket: SeenSocket): void {
    const inode = socket.netns?.inode ?? 0;
    const values = this.#namespaces.get(inode);
    values?.delete(keyOf(socket));
    if (values?.size === 0) this.#namespaces.delete(inode);
  }

  get size(): number {
    let size = 0;
    for (const values of this.#namespaces.values()) size += values.size;
    return size;
  }

  *values(): Generator<V> {
    for (const values of this.#namespaces.values()) yield* values.values();
  }
}
