// SPDX-License-Identifier: MIT
/**
 * Readings of several network namespaces. This thread goes from one to the next and back, as `socketsOfAll` does: netlink
 * sockets stay in the namespace in which they were opened, and sockets that serve clients stay where they are, too.
 */
import { closeSync, openSync } from 'node:fs';
import { type NetworkNamespace, networkNamespaces } from '../host/network-namespaces.ts';
import { namespaceLabel } from './all-namespaces.ts';
import { isOfHost, Reader, type Reading, type Wanted } from './reading.ts';

/** A host with its network namespaces. */
export interface HostAndNamespaces {
  /** what belongs to the host, and to the namespace of this process */
  own: Reading;
  /** one for each namespace, that of this process first; empty if only that one was looked at */
  namespaces: { label: string; reading: Reading }[];
  /** namespaces that could not be entered or found */
  missing: number;
}

/** Reads the host and the namespace of this process. */
export async function readHere(reader: Reader, wanted: Wanted): Promise<HostAndNamespaces> {
  return { own: await reader.read(wanted), namespaces: [], missing: 0 };
}

/**
 * Reads all network namespaces, one after the other; the time of a reading is for all of them together. No other call of
 * this kind may be under way.
 * @param reader of the namespace of this process
 * @param enter moves this thread; @throws Node-like error
 * @throws Node's own error when there is no /proc
 */
export async function readEverywhere(
  reader: Reader,
  wanted: Wanted,
  enter: (file: string) => void,
): Promise<HostAndNamespaces> {
  const begin = performance.now();
  const { options } = reader;
  const { namespaces, unreadable } = networkNamespaces(options.root);
  const own = await reader.read(wanted);
  const [first, ...others] = namespaces;
  const result: HostAndNamespaces = {
    own,
    namespaces: first ? [{ label: namespaceLabel(first), reading: own }] : [],
    missing: unreadable,
  };
  const parts = new Set([...wanted.parts].filter((part) => !isOfHost(part)));
  if (others.length === 0 || parts.size === 0) return result;
  const home = openSync(`${options.root}/proc/self/ns/net`, 'r');
  let isAway = false;
  const go = (namespace: NetworkNamespace): boolean => {
    try {
      enter(namespace.file);
      isAway = true;
      return true;
    } catch {
      return false;
    }
  };
  try {
    for (const namespace of others) {
      const timeoutMs = options.timeoutMs - (performance.now() - begin);
      if (timeoutMs <= 0 || !go(namespace)) {
        result.missing++;
        continue;
      }
      const reading = await new Reader({ ...options, timeoutMs }).read({ ...wanted, parts });
      result.namespaces.push({ label: namespaceLabel(namespace), reading });
    }
    return result;
  } finally {
    // by its descriptor: /proc/self/ns/net is another one by now
    if (isAway) enter(`/proc/self/fd/${home}`);
    closeSync(home);
  }
}
