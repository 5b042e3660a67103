// SPDX-License-Identifier: MIT
/** Which kind of network namespace this process is in. */
import { existsSync, readFileSync } from 'node:fs';

/**
 * Whether this is the initial network namespace. Only there the kernel registers net.core.netdev_max_backlog
 * (net/core/sysctl_net_core.c); the link /proc/1/ns/net, which would tell as well, is closed to ordinary users, and the
 * first process of a container is none of the host.
 * @returns `undefined` when /proc/sys does not tell
 */
export function isInitialNetworkNamespace(root = '/'): boolean | undefined {
  const directory = `${root}/proc/sys/net/core`;
  if (existsSync(`${directory}/netdev_max_backlog`)) return true;
  return existsSync(`${directory}/somaxconn`) ? false : undefined;
}

/**
 * Whether RDMA devices are seen from all network namespaces (`shared`, the default of the kernel) or each from its own
 * (`exclusive`): /sys/module/ib_core/parameters/netns_mode.
 * @returns `undefined` without RDMA
 */
export function rdmaNamespaceMode(root = '/'): 'shared' | 'exclusive' | undefined {
  try {
    const text = readFileSync(`${root}/sys/module/ib_core/parameters/netns_mode`, 'latin1').trim();
    return text === 'Y' ? 'shared' : 'exclusive';
  } catch {
    return undefined;
  }
}
