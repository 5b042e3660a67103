// SPDX-License-Identifier: MIT
/** Names of network, RDMA and SMC-D devices; nothing else about them. */
import { kernelRelease } from './architecture.ts';
import { dibsNameOf, hasDibsNames, readDibsDevices } from './dibs-devices.ts';
import { isIsm, readPciFunctions } from './pci-devices.ts';
import { entries, linkName } from './sysfs.ts';

/** Network interfaces of the caller's network namespace, sorted. */
export function networkInterfaces(root: string): string[] {
  return entries(`${root}/sys/class/net`).filter((name) => name !== 'bonding_masters');
}

export interface TableDevice {
  name: string;
  aliases: string[];
}

/**
 * Devices that can be in the PNET table: RDMA devices, with their PCI address as a second name (soft-RoCE has none), and
 * SMC-D devices. Since Linux 6.18, the SMC-D devices are those of the class dibs: "lo", and ISM functions with their PCI
 * address as a second name. On older kernels, they are ISM functions, by PCI address.
 */
export function tableDevices(root: string): TableDevice[] {
  const rdma = entries(`${root}/sys/class/infiniband`).map((name): TableDevice => {
    const parent = linkName(`${root}/sys/class/infiniband/${name}/device`);
    return { name, aliases: parent === undefined ? [] : [parent] };
  });
  const dibs = readDibsDevices(root);
  const isNamed = hasDibsNames(kernelRelease(root), dibs);
  const ism = readPciFunctions(root)
    .filter(isIsm)
    .map((pci): TableDevice => {
      const name = isNamed ? dibsNameOf(pci, dibs) : undefined;
      return name === undefined ? { name: pci.address, aliases: [] } : { name, aliases: [pci.address] };
    });
  const others = (dibs ?? []).filter(({ name }) => !ism.some((known) => known.name === name));
  return [...rdma, ...ism, ...others.map(({ name }): TableDevice => ({ name, aliases: [] }))];
}
