// SPDX-License-Identifier: MIT
/** The kind of network namespace of this process. */
import { existsSync, readFileSync } from 'node:fs';

/**
 * Whether this is the initial network namespace. The kernel registers net.core.netdev_max_backlog only there
 * (net/core/sysctl_net_core.c). The link /proc/1/ns/net is not used: ordinary users cannot read it, and in a container,
 * process 1 is not that of the host.
 * @returns `undefined` when /proc/sys does not show it
 */
export function isInitialNetworkNamespace(root: string): boolean | undefined {
  const directory = `${root}/proc/sys/net/core`;
  if (existsSync(`${directory}/netdev_max_backlog`)) return true;
  return existsSync(`${directory}/somaxconn`) ? false : undefined;
}

/**
 * Whether RDMA devices are visible in all network namespaces (`shared`, the default of the kernel) or only in their own
 * (`exclusive`): /sys/module/ib_core/parameters/netns_mode.
 * @returns `undefined` without RDMA
 */
export function rdmaNamespaceMode(root: string): 'shared' | 'exclusive' | undefined {
  try {
    const text = readFileSync(`${root}/sys/module/ib_core/parameters/netns_mode`, 'latin1').trim();
    return text === 'Y' ? 'shared' : 'exclusive';
  } catch {
    return undefined;
  }
}
