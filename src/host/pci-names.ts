// SPDX-License-Identifier: MIT
/** Names of PCI devices from hwdata's pci.ids, if it is installed. */
import { createReadStream, existsSync } from 'node:fs';

export interface PciName {
  vendor: string | undefined;
  device: string | undefined;
}

/** Paths of the file: Debian and SUSE, Fedora and Red Hat. */
const PLACES = ['usr/share/misc/pci.ids', 'usr/share/hwdata/pci.ids'];

/**
 * Looks up vendors and devices. The file is larger than a megabyte, so it is read line by line and only as far as needed.
 * @returns names by "vendor:device", four hexadecimal digits each; empty without the file
 */
export async function pciNames(
  wanted: readonly { vendor: number; device: number }[],
  root: string,
): Promise<ReadonlyMap<string, PciName>> {
  const names = new Map<string, PciName>();
  const file = PLACES.map((place) => `${root}/${place}`).find((path) => existsSync(path));
  if (!file || wanted.length === 0) return names;
  const missing = new Map<string, Set<string>>();
  for (const { vendor, device } of wanted) {
    const devices = missing.get(digits(vendor)) ?? new Set();
    missing.set(digits(vendor), devices.add(digits(device)));
  }
  let vendor: { id: string; name: string; devices: Set<string> } | undefined;
  const { createInterface } = await import('node:readline');
  const input = createReadStream(file);
  try {
    for await (const line of createInterface({ input })) {
      // "vvvv  name", below it "<tab>dddd  name", below that subsystems; the classes at the end begin with "C "
      const [, indent, id = '', name = ''] = /^(\t?)([0-9a-f]{4}) {2}(.*)$/.exec(line) ?? [];
      if (indent === undefined) continue;
      if (indent === '') {
        finish(vendor, names, missing);
        if (missing.size === 0) break;
        const devices = missing.get(id);
        vendor = devices && { id, name, devices };
      } else if (vendor?.devices.delete(id))
        names.set(`${vendor.id}:${id}`, { vendor: vendor.name, device: name });
    }
    finish(vendor, names, missing);
  } catch {
    // unreadable: return what was found so far
  } finally {
    input.destroy();
  }
  return names;
}

/** Called at the end of a vendor: devices that are not in the file get only the name of the vendor. */
function finish(
  vendor: { id: string; name: string; devices: Set<string> } | undefined,
  names: Map<string, PciName>,
  missing: Map<string, unknown>,
): void {
  if (!vendor) return;
  for (const id of vendor.devices)
    names.set(`${vendor.id}:${id}`, { vendor: vendor.name, device: undefined });
  missing.delete(vendor.id);
}

const digits = (id: number): string => id.toString(16).padStart(4, '0');

/** Key of a device in the map of `pciNames`, and the form of raw IDs: "15b3:1019". */
export const pciKey = ({ vendor, device }: { vendor: number; device: number }): string =>
  `${digits(vendor)}:${digits(device)}`;
