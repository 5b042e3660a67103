// SPDX-License-Identifier: MIT
/** What s390x calls the types of PCI functions that can carry SMC. */
import type { PciFunction } from '../../host/pci-devices.ts';
import { pciKey } from '../../host/pci-names.ts';
import type { RdmaDevice } from '../../host/rdma-devices.ts';
import { DEVICE_TYPES } from '../../smc/devices.ts';

/** Types of functions (PFT) that a machine gives; RoCE Express2 and 3 share one. */
export const PFT_ROCE_EXPRESS = 0x02;
const PFT_ISM = 0x05;
const PFT_ROCE_EXPRESS2 = 0x0a;
const PFT_NETWORK_HYBRID = 0x0c;
const PFT_NETWORK_DIRECT = 0x0f;

const PFT_NAMES: Readonly<Record<number, string>> = {
  [PFT_ROCE_EXPRESS]: 'ROC',
  [PFT_ISM]: 'ISM',
  [PFT_ROCE_EXPRESS2]: 'ROC2',
  [PFT_NETWORK_HYBRID]: 'NETH',
  [PFT_NETWORK_DIRECT]: 'NETD',
};

/** First number of the adapter's firmware version. */
const FIRMWARE_TYPES: Readonly<Record<string, string>> = { 14: 'RoCE_Express2', 22: 'RoCE_Express3' };

/** What the IDs of the devices tell where the machine gives no type, as some guests have it. */
const TYPES_BY_ID: Readonly<Record<string, number>> = {
  '15b3:1004': PFT_ROCE_EXPRESS,
  '15b3:1016': PFT_ROCE_EXPRESS2,
  '15b3:101e': PFT_ROCE_EXPRESS2,
  '1014:04ed': PFT_ISM,
};

/** Type of a function of s390x; `undefined` for other machines, and for one that is known neither by type nor by IDs. */
export function functionType(pci: PciFunction): number | undefined {
  return pci.mainframe && (pci.mainframe.type ?? TYPES_BY_ID[pciKey(pci)]);
}

/** Short name of a type; `undefined` for one that has nothing to do with SMC. */
export function pftName(pci: PciFunction): string | undefined {
  return PFT_NAMES[functionType(pci) ?? -1];
}

/** Name of the adapter; vendor and device id for one without a name. */
export function typeName(pci: PciFunction, rdma: RdmaDevice | undefined): string {
  switch (functionType(pci)) {
    case PFT_ROCE_EXPRESS:
      return 'RoCE_Express';
    case PFT_ISM:
      return 'ISM';
    case PFT_ROCE_EXPRESS2:
      return FIRMWARE_TYPES[rdma?.firmware?.split('.')[0] ?? ''] ?? DEVICE_TYPES[pci.device] ?? pciKey(pci);
    case PFT_NETWORK_HYBRID:
    case PFT_NETWORK_DIRECT:
      return 'Network_Express';
    default:
      return pciKey(pci);
  }
}

/** Whether a function of s390x is a virtual one; all but those of Network Express are. `undefined`: not known */
export function isVirtual(pci: PciFunction): boolean | undefined {
  const { virtualFunction } = pci.mainframe ?? {};
  const type = functionType(pci);
  if ([PFT_ROCE_EXPRESS, PFT_ISM, PFT_ROCE_EXPRESS2, PFT_NETWORK_HYBRID].includes(type ?? -1)) return true;
  return virtualFunction === undefined ? undefined : virtualFunction !== 0;
}
