// SPDX-License-Identifier: MIT
/** The network namespaces of a host: those that have a name, and those that processes are in. */
import { readdirSync, statSync } from 'node:fs';
import { type Container, parseControlGroup } from './control-group.ts';
import { entries, readText } from './sysfs.ts';

/** A network namespace. */
export interface NetworkNamespace {
  /** of its file, which identifies it on this host */
  inode: number;
  /** of ip-netns(8) */
  name: string | undefined;
  /** that of the first process in it, if it has no name */
  container: Container | undefined;
  /** to enter it */
  file: string;
}

/** Where ip-netns(8) keeps namespaces that have a name; the second is the first's old path. */
export const NAMED_NAMESPACES: readonly string[] = ['/run/netns', '/var/run/netns'];

/**
 * Finds them: our own first, then those with a name, then the others in the order of their first process.
 * @returns the namespaces, and how many processes may not be asked for theirs
 * @throws Node's own error when there is no /proc
 */
export function networkNamespaces(root: string): { namespaces: NetworkNamespace[]; unreadable: number } {
  const ownFile = `${root}/proc/self/ns/net`;
  const own = statSync(ownFile);
  const found = new Map<number, NetworkNamespace>();
  /** Adds a namespace that is not known yet. A file on another device is what is left of one. */
  const add = (file: string, more: () => Partial<NetworkNamespace>): NetworkNamespace | undefined => {
    const { ino, dev } = statSync(file);
    if (dev === own.dev && !found.has(ino))
      found.set(ino, { inode: ino, name: undefined, container: undefined, file, ...more() });
    return found.get(ino);
  };
  let unreadable = 0;
  /** Without what was removed or has ended meanwhile. */
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM') unreadable++;
    }
  };
  add(ownFile, () => ({}));
  for (const directory of NAMED_NAMESPACES)
    for (const name of entries(`${root}${directory}`))
      attempt(() => {
        const namespace = add(`${root}${directory}/${name}`, () => ({ name }));
        if (namespace) namespace.name ??= name;
      });
  const processes = readdirSync(`${root}/proc`).filter((name) => /^[1-9]\d*$/.test(name));
  for (const pid of processes.sort((one, other) => Number(one) - Number(other)))
    attempt(() => {
      const cgroup = (): string => readText(`${root}/proc/${pid}/cgroup`) ?? '';
      add(`${root}/proc/${pid}/ns/net`, () => ({ container: parseControlGroup(cgroup()).container }));
    });
  return { namespaces: [...found.values()], unreadable };
}
