// SPDX-License-Identifier: MIT
/** Devices as the page shows them: RDMA ports and ISM devices in one list. */
import type { DeviceRow } from '../../../documents/smc_exporter-page.ts';
import { hasLoopback } from '../../../smc/host.ts';
import type { PageHost } from './seen.ts';

export function deviceRows(host: PageHost): DeviceRow[] {
  const names = new Map(host.interfaces.map(({ index, name }) => [index, name]));
  const ports = (host.smcrPorts.value ?? []).map((port): DeviceRow => {
    const device = host.rdmaDevices.find(({ name }) => name === port.device.ibName);
    return {
      technology: 'SMC-R',
      name: port.device.ibName,
      port: port.number,
      interface: names.get(port.interfaceIndex ?? 0) ?? null,
      state: port.state ?? null,
      rate: device?.ports.find(({ number }) => number === port.number)?.rate ?? null,
      software: device?.isSoftRoce ?? false,
      pnet_id: port.pnetId ?? null,
      used_by: port.links ?? null,
    };
  });
  const ism = (host.smcdDevices.value ?? []).map((device): DeviceRow => {
    const named = host.dibsDevices?.find(({ pciAddress }) => pciAddress === device.pciId);
    return {
      ...SMCD,
      name: named?.name ?? device.pciId ?? 'ISM',
      pnet_id: device.pnetId ?? null,
      used_by: device.linkGroups,
    };
  });
  // no list of the kernel has it
  const loopback: DeviceRow[] = hasLoopback(host) ? [{ ...SMCD, name: 'loopback-ism', software: true }] : [];
  return [...ports, ...ism, ...loopback];
}

const SMCD: DeviceRow = {
  technology: 'SMC-D',
  name: '',
  port: null,
  interface: null,
  state: null,
  rate: null,
  software: false,
  pnet_id: null,
  used_by: null,
};
