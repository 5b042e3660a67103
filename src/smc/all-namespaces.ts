// SPDX-License-Identifier: MIT
/**
 * The sockets of all network namespaces. A netlink socket stays in the namespace in which it was opened, and /proc/net
 * shows that of the main thread, so this thread goes from one to the next and back.
 */
import { closeSync, openSync } from 'node:fs';
import type { NativeAddon } from '../host/native-addon.ts';
import type { NetworkNamespace } from '../host/network-namespaces.ts';
import type { SeenSocket } from './seen-socket.ts';

/** A namespace that could not be entered. */
export interface NotEntered {
  namespace: NetworkNamespace;
  /** errno name */
  reason: string;
}

type Batches = AsyncGenerator<SeenSocket[], { interrupted: boolean }>;

/**
 * Lists one namespace after the other. While the list is being read, this thread is in the namespace of the socket that
 * came last: files have to be read synchronously, and no other namespace may be entered.
 * @param namespaces the first one is that of this thread, and is not entered
 * @param list opens the list of the namespace in which this thread is
 * @param enter moves this thread; @throws Node-like error with code
 * @param onNotEntered is told each namespace that is left out
 */
export async function* socketsOfAll(
  namespaces: readonly NetworkNamespace[],
  list: () => Batches,
  enter: (file: string) => void,
  onNotEntered: (failure: NotEntered) => void,
): Batches {
  const [own] = namespaces;
  let interrupted = false;
  if (!own) return { interrupted };
  const home = openSync(own.file, 'r');
  let isAway = false;
  try {
    for (const namespace of namespaces) {
      if (namespace !== own) {
        try {
          enter(namespace.file);
          isAway = true;
        } catch (error) {
          onNotEntered({ namespace, reason: (error as NodeJS.ErrnoException).code ?? String(error) });
          continue;
        }
      }
      const batches = list();
      try {
        for (;;) {
          const next = await batches.next();
          if (next.done) {
            interrupted ||= next.value.interrupted;
            break;
          }
          for (const socket of next.value) socket.netns = namespace;
          yield next.value;
        }
      } finally {
        await batches.return({ interrupted: false });
      }
    }
    return { interrupted };
  } finally {
    // by its descriptor: /proc/self/ns/net is another one by now
    if (isAway) enter(`/proc/self/fd/${home}`);
    closeSync(home);
  }
}

/**
 * The namespaces by the number that tracepoints write. Not to be called while a list is being read.
 * @param namespaces the first one is that of this thread, and is not entered; those that cannot be entered are left out
 */
export function namespacesByCookie(
  namespaces: readonly NetworkNamespace[],
  addon: Pick<NativeAddon, 'setNetworkNamespace' | 'networkNamespaceCookie'>,
): Map<bigint, NetworkNamespace> {
  const found = new Map<bigint, NetworkNamespace>();
  const [own, ...others] = namespaces;
  if (!own) return found;
  const home = openSync(own.file, 'r');
  try {
    found.set(addon.networkNamespaceCookie(), own);
    for (const namespace of others)
      try {
        addon.setNetworkNamespace(namespace.file);
        found.set(addon.networkNamespaceCookie(), namespace);
      } catch {
        // it is gone, or not for us
      }
    return found;
  } finally {
    if (others.length > 0) addon.setNetworkNamespace(`/proc/self/fd/${home}`);
    closeSync(home);
  }
}

/** What a namespace is called: its name, its container, or its inode. */
export function namespaceLabel({ name, container, inode }: NetworkNamespace): string {
  if (name !== undefined) return name;
  return container ? `${container.runtime}/${container.id}` : String(inode);
}
