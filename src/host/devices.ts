// SPDX-License-Identifier: MIT
/** Names of network, RDMA and ISM devices from sysfs. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

function entries(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return []; // no such class on this host
  }
}

/** Network interfaces of the caller's network namespace, sorted. */
export function networkInterfaces(root = '/'): string[] {
  return entries(`${root}/sys/class/net`).filter((name) => name !== 'bonding_masters');
}

/**
 * Devices that can stand in the PNET table: RDMA devices with their PCI address as a second name, and ISM functions
 * by PCI address (vendor 1014, device 04ed).
 */
export function rdmaAndIsmDevices(root = '/'): { name: string; aliases: string[] }[] {
  const devices = entries(`${root}/sys/class/infiniband`).map((name) => {
    try {
      return { name, aliases: [basename(readlinkSync(`${root}/sys/class/infiniband/${name}/device`))] };
    } catch {
      return { name, aliases: [] }; // soft-RoCE has no parent device
    }
  });
  const pci = `${root}/sys/bus/pci/devices`;
  const id = (address: string, file: string): string | undefined => {
    try {
      return readFileSync(`${pci}/${address}/${file}`, 'latin1').trim();
    } catch {
      return undefined;
    }
  };
  const ism = entries(pci).filter(
    (address) => id(address, 'vendor') === '0x1014' && id(address, 'device') === '0x04ed',
  );
  return [...devices, ...ism.map((name) => ({ name, aliases: [] }))];
}
