// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';

/**
 * RoCE versions of the addresses (GIDs) that an RDMA device has.
 * @returns for example [1, 2]; empty when sysfs does not tell
 */
export function roceVersions(device: string, root = '/'): number[] {
  const versions = new Set<number>();
  const ports = `${root}/sys/class/infiniband/${device}/ports`;
  try {
    for (const port of readdirSync(ports)) {
      const types = `${ports}/${port}/gid_attrs/types`;
      for (const index of readdirSync(types))
        try {
          const type = readFileSync(`${types}/${index}`, 'latin1');
          versions.add(/v2/.test(type) ? 2 : 1);
        } catch {
          // reading an empty slot fails
        }
    }
  } catch {
    // no such device in this sysfs, or an old kernel: what was found stands
  }
  return [...versions].sort();
}
