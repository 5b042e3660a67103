// SPDX-License-Identifier: MIT
/** Names of network, RDMA and ISM devices, without what is behind them. */
import { isIsm, readPciFunctions } from './pci-devices.ts';
import { entries, linkName } from './sysfs.ts';

/** Network interfaces of the caller's network namespace, sorted. */
export function networkInterfaces(root = '/'): string[] {
  return entries(`${root}/sys/class/net`).filter((name) => name !== 'bonding_masters');
}

/**
 * Devices that can stand in the PNET table: RDMA devices with their PCI address as a second name (soft-RoCE has none),
 * and ISM functions by PCI address.
 */
export function rdmaAndIsmDevices(root = '/'): { name: string; aliases: string[] }[] {
  const rdma = entries(`${root}/sys/class/infiniband`).map((name) => {
    const parent = linkName(`${root}/sys/class/infiniband/${name}/device`);
    return { name, aliases: parent === undefined ? [] : [parent] };
  });
  const ism = readPciFunctions(root).filter(isIsm);
  return [...rdma, ...ism.map(({ address }) => ({ name: address, aliases: [] }))];
}
