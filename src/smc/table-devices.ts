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

/** A device that the host does not have. */
export interface MissingDevice {
  /** which ones it has, or how the device is called there */
  hint: string;
}

/**
 * Whether an entry of the table waits for its device; whether there is loopback-ism cannot be seen before Linux 6.18.
 * @returns `undefined` when the device is there, or may be
 */
export function missingDevice(name: string, files: HostFiles): MissingDevice | undefined {
  const devices = tableDevices(files);
  if (devices.some((device) => device.name === name || device.aliases.includes(name))) return undefined;
  const { release, dibsDevices } = files;
  const isNamed = hasDibsNames(release, dibsDevices);
  if (!isNamed && (name === 'loopback-ism' || (name === 'lo' && release === undefined))) return undefined;
  const names = devices.flatMap((device) => [device.name, ...device.aliases]);
  const has = `this host has ${names.length > 0 ? names.join(', ') : 'none'}`;
  if (name === 'loopback-ism') return { hint: 'since Linux 6.18 it is called lo' };
  if (name === 'lo' && !isNamed)
    return { hint: 'before Linux 6.18 the loopback device is called loopback-ism' };
  const isName = /^ism[0-9a-f]+$/.test(name) && !isNamed;
  return { hint: isName ? `before Linux 6.18 ISM devices are named by PCI address; ${has}` : has };
}
