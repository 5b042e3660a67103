// SPDX-License-Identifier: MIT
import { dibsNameOf, hasDibsNames } from '../host/dibs-devices.ts';
import { isIsm } from '../host/pci-devices.ts';
import type { HostFiles } from './host.ts';

/** A device by the names that the PNET table may have for it. */
export interface TableDevice {
  name: string;
  aliases: string[];
}

/**
 * Devices that can be in the PNET table: RDMA devices, with their PCI address as a second name (soft-RoCE has none), and
 * SMC-D devices. Since Linux 6.18, the SMC-D devices are those of the class dibs: "lo", and ISM functions with their PCI
 * address as a second name. On older kernels, they are ISM functions, by PCI address.
 */
export function tableDevices({ release, rdmaDevices, dibsDevices, pciFunctions }: HostFiles): TableDevice[] {
  const rdma = rdmaDevices.map(
    ({ name, parent }): TableDevice => ({ name, aliases: parent === undefined ? [] : [parent] }),
  );
  const isNamed = hasDibsNames(release, dibsDevices);
  const ism = pciFunctions.filter(isIsm).map((pci): TableDevice => {
    const name = isNamed ? dibsNameOf(pci, dibsDevices) : undefined;
    return name === undefined ? { name: pci.address, aliases: [] } : { name, aliases: [pci.address] };
  });
  const others = (dibsDevices ?? []).filter(({ name }) => !ism.some((known) => known.name === name));
  return [...rdma, ...ism, ...others.map(({ name }): TableDevice => ({ name, aliases: [] }))];
}
