// SPDX-License-Identifier: MIT
/**
 * Devices of the class dibs, which SMC-D uses since Linux 6.18: the kernel's loopback and ISM functions
 * (drivers/dibs/dibs_main.c, drivers/s390/net/ism_drv.c).
 */
import { existsSync } from 'node:fs';
import { isAtLeast } from './kernel-version.ts';
import { isIsm, type PciFunction } from './pci-devices.ts';
import { entries, linkName, readNumber, readText } from './sysfs.ts';

export interface DibsDevice {
  /** "lo", or "ism" and a hexadecimal number: the user ID (UID) of the function, or else its function ID (FID) */
  name: string;
  /** 16 hexadecimal digits, as SMC shows it in link groups */
  gid: string | undefined;
  /** the second half of a 128-bit GID; ISM devices have none */
  extGid: string | undefined;
  /** 16 bits, which SMC calls CHID; ffff for loopback */
  fabricId: number | undefined;
  /** PCI address of an ISM device */
  pciAddress: string | undefined;
  isLoopback: boolean;
}

/** DIBS_LOOPBACK_FABRIC */
const LOOPBACK_FABRIC = 0xffff;
const CLASS = 'sys/class/dibs';

/**
 * All devices of the class, sorted by name. SMC uses each of them.
 * @returns `undefined` if the class does not exist: before Linux 6.18, while module dibs is not loaded, or without /sys
 */
export function readDibsDevices(root: string): DibsDevice[] | undefined {
  if (!existsSync(`${root}/${CLASS}`)) return undefined;
  return entries(`${root}/${CLASS}`).map((name) => {
    const directory = `${root}/${CLASS}/${name}`;
    const fabricId = readNumber(`${directory}/fabric_id`);
    return {
      name,
      ...halves(readText(`${directory}/gid`)),
      fabricId,
      pciAddress: linkName(`${directory}/device`),
      isLoopback: fabricId === undefined ? name === 'lo' : fabricId === LOOPBACK_FABRIC,
    };
  });
}

/** The kernel prints a GID as a UUID; SMC uses the two halves as numbers. */
function halves(uuid: string | undefined): Pick<DibsDevice, 'gid' | 'extGid'> {
  const hex = uuid?.replaceAll('-', '').toLowerCase() ?? '';
  if (!/^[0-9a-f]{32}$/.test(hex)) return { gid: undefined, extGid: undefined };
  const extGid = hex.slice(16);
  return { gid: hex.slice(0, 16), extGid: /^0+$/.test(extGid) ? undefined : extGid };
}

/** Whether SMC-D devices have names in the class dibs. If not, ISM devices are named by PCI address. */
export function hasDibsNames(
  release: string | undefined,
  devices: readonly DibsDevice[] | undefined,
): boolean {
  return devices !== undefined || isAtLeast(release, '6.18') === true;
}

/**
 * Name of an ISM function among the devices of the class dibs, even if its driver is not bound to it.
 * @returns `undefined` for other functions, and on machines other than s390x
 */
export function dibsNameOf(pci: PciFunction, devices: readonly DibsDevice[] | undefined): string | undefined {
  const known = devices?.find(({ pciAddress }) => pciAddress === pci.address)?.name;
  if (known !== undefined || !isIsm(pci) || !pci.mainframe) return known;
  return `ism${(pci.mainframe.uid || pci.mainframe.fid).toString(16)}`;
}
