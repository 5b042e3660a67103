// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Names of the network interfaces of the caller's network namespace, by index. The kernel's SMC tables also hold
 * interfaces of other namespaces, whose indexes are missing here.
 */
export function interfaceNames(root = '/'): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const directory = `${root}/sys/class/net`;
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch {
    return names; // no sysfs here: the indexes have to do
  }
  for (const name of entries)
    try {
      names.set(Number(readFileSync(`${directory}/${name}/ifindex`, 'latin1')), name);
    } catch {
      // no interface (bonding_masters), or one that has just gone
    }
  return names;
}
