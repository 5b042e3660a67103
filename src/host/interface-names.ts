// SPDX-License-Identifier: MIT
import { entries, readNumber } from './sysfs.ts';

/**
 * Names of the network interfaces of the caller's network namespace, by index. The kernel's SMC tables also hold
 * interfaces of other namespaces, whose indexes are missing here.
 */
export function interfaceNames(root: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const name of entries(`${root}/sys/class/net`)) {
    const index = readNumber(`${root}/sys/class/net/${name}/ifindex`);
    if (index !== undefined) names.set(index, name); // bonding_masters is not an interface and has no index
  }
  return names;
}
