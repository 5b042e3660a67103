// SPDX-License-Identifier: MIT
/** The network namespace that a command works in, when it is not the caller's. */
import { existsSync } from 'node:fs';
import { NAMED_NAMESPACES } from '../host/network-namespaces.ts';
import { SmcError } from './error.ts';
import { findAddon } from './native-parts.ts';

/**
 * Enters a network namespace for the rest of this process: netlink, /proc/net, /proc/sys/net and /sys then show it.
 * Files have to be read synchronously from there on: threads that ran before stay where they were.
 * @param name as ip-netns(8) knows it, else the ID of a process in the namespace
 * @throws SmcError NOT_FOUND, NOT_SUPPORTED
 */
export function enterNetworkNamespace(name: string): void {
  const file = namespaceFile(name);
  const { enterNetworkNamespace } = findAddon();
  try {
    enterNetworkNamespace(file);
  } catch (cause) {
    throw refusal(name, cause);
  }
}

/** Whether ip-netns(8) can know a network namespace by this name: it is the name of a file. */
export function isNamespaceName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && Buffer.byteLength(name) < 256;
}

function namespaceFile(name: string): string {
  const named =
    isNamespaceName(name) &&
    NAMED_NAMESPACES.map((directory) => `${directory}/${name}`).find((path) => existsSync(path));
  if (named) return named;
  if (!/^[1-9]\d*$/.test(name))
    throw new SmcError('NOT_FOUND', `there is no network namespace '${name}'`, {
      hint: 'ip netns lists the named ones; a process ID also works',
    });
  if (!existsSync(`/proc/${name}`))
    throw new SmcError('NOT_FOUND', `there is no process ${name} and no network namespace of that name`);
  return `/proc/${name}/ns/net`;
}

/** What helps where a system call is not permitted. */
const HINTS: Readonly<Record<string, string>> = {
  // the namespace of a process with more capabilities than ours, as those of the host have in a container: see namespaces(7)
  open: 'CAP_SYS_ADMIN and CAP_SYS_PTRACE are needed: run it as root, outside of containers',
  mount: 'this container does not allow mounting /sys: run it outside the container',
};

function refusal(name: string, cause: unknown): unknown {
  const { code, syscall } = cause as NodeJS.ErrnoException;
  const object = `the network namespace '${name}'`;
  switch (code) {
    case 'ENOENT':
    case 'ESRCH':
      return new SmcError('NOT_FOUND', `${object} no longer exists`, { cause });
    case 'EINVAL':
      return new SmcError('NOT_FOUND', `'${name}' is not a network namespace`, { cause });
    case 'EACCES':
    case 'EPERM':
      return new SmcError('NOT_SUPPORTED', `${object} cannot be entered`, {
        hint: (syscall && HINTS[syscall]) ?? 'CAP_SYS_ADMIN is needed: run it as root, outside of containers',
        cause,
      });
    default:
      return code === undefined
        ? cause
        : new SmcError('NOT_SUPPORTED', `${object} cannot be entered (${syscall}: ${code})`, { cause });
  }
}
