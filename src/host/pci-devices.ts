// SPDX-License-Identifier: MIT
/** PCI functions and, on s390x, the slots that switch them on and off. */
import { readFileSync, writeFileSync } from 'node:fs';
import { entries, linkName, readNumber, readText } from './sysfs.ts';

export interface PciFunction {
  /** "0000:01:00.0" */
  address: string;
  vendor: number;
  device: number;
  subsystemVendor: number | undefined;
  subsystemDevice: number | undefined;
  /** 24 bits: base class, subclass, programming interface */
  class: number;
  driver: string | undefined;
  numaNode: number | undefined;
  /** address of the physical function; `undefined` for a physical function */
  physicalFunction: string | undefined;
  /** its network interfaces and RDMA devices, sorted */
  netdevs: string[];
  rdmaDevices: string[];
  /** properties that exist only on s390x; `undefined` elsewhere */
  mainframe: MainframeFunction | undefined;
}

export interface MainframeFunction {
  /** function ID (FID), 32 bits */
  fid: number;
  /** physical channel ID (PCHID), 16 bits */
  pchid: number | undefined;
  /** type of the function (PFT): 0x02 RoCE Express, 0x05 ISM, 0x0a RoCE Express2 and 3, 0x0c and 0x0f Network Express */
  type: number | undefined;
  /** number of the virtual function; 0 for a physical one, `undefined` when the kernel does not show it */
  virtualFunction: number | undefined;
  /** port of the adapter, from 1; 0 if not known, `undefined` when the kernel does not show it */
  port: number | undefined;
  /** user ID (UID) of the function, 0 for none */
  uid: number | undefined;
  /** 4 PNET IDs of 16 EBCDIC characters, see `hardware-pnetid.ts` */
  utilString: Buffer | undefined;
}

const PCI_VENDOR_IBM = 0x1014;
const PCI_DEVICE_ISM = 0x04ed;

/** Whether the function is an ISM device, which carries SMC-D. */
export function isIsm({ vendor, device }: Pick<PciFunction, 'vendor' | 'device'>): boolean {
  return vendor === PCI_VENDOR_IBM && device === PCI_DEVICE_ISM;
}

/** All PCI functions that are switched on, sorted by address; empty without PCI. */
export function readPciFunctions(root: string): PciFunction[] {
  return entries(`${root}/sys/bus/pci/devices`).flatMap((address) => readPciFunction(address, root) ?? []);
}

/** @returns `undefined` when there is no such function, or no longer */
export function readPciFunction(address: string, root: string): PciFunction | undefined {
  const directory = `${root}/sys/bus/pci/devices/${address}`;
  const [vendor, device] = [readNumber(`${directory}/vendor`), readNumber(`${directory}/device`)];
  if (vendor === undefined || device === undefined) return undefined;
  const numaNode = readNumber(`${directory}/numa_node`);
  return {
    address,
    vendor,
    device,
    subsystemVendor: readNumber(`${directory}/subsystem_vendor`),
    subsystemDevice: readNumber(`${directory}/subsystem_device`),
    class: readNumber(`${directory}/class`) ?? 0,
    driver: linkName(`${directory}/driver`),
    numaNode: numaNode !== undefined && numaNode >= 0 ? numaNode : undefined,
    physicalFunction: linkName(`${directory}/physfn`),
    netdevs: entries(`${directory}/net`),
    rdmaDevices: entries(`${directory}/infiniband`),
    mainframe: readMainframe(directory),
  };
}

function readMainframe(directory: string): MainframeFunction | undefined {
  const fid = readNumber(`${directory}/function_id`);
  if (fid === undefined) return undefined;
  return {
    fid,
    pchid: readNumber(`${directory}/pchid`),
    type: readNumber(`${directory}/pft`),
    virtualFunction: readNumber(`${directory}/vfn`),
    port: readNumber(`${directory}/port`),
    uid: readNumber(`${directory}/uid`),
    utilString: readUtilString(directory),
  };
}

/** The file util_string of a PCI function or a channel path; `undefined` when there is none. */
export function readUtilString(directory: string): Buffer | undefined {
  try {
    return readFileSync(`${directory}/util_string`);
  } catch {
    return undefined;
  }
}

/** A slot of s390x: one PCI function, which can be switched on and off. */
export interface PciSlot {
  fid: number;
  isOn: boolean;
}

const slotName = (fid: number): string => fid.toString(16).padStart(8, '0');

/** Slots of s390x sorted by FID; slots of other machines have names of another form and are left out. */
export function readPciSlots(root: string): PciSlot[] {
  return entries(`${root}/sys/bus/pci/slots`)
    .filter((name) => /^[0-9a-f]{8}$/.test(name))
    .map((name) => {
      const fid = Number.parseInt(name, 16);
      return { fid, isOn: slotPower(fid, root) ?? false };
    });
}

/** Whether a slot of s390x is switched on; `undefined` when there is no such slot. */
export function slotPower(fid: number, root: string): boolean | undefined {
  const power = readText(`${root}/sys/bus/pci/slots/${slotName(fid)}/power`);
  return power === undefined ? undefined : power !== '0';
}

/** Switches a slot of s390x on or off. @throws Node's own error: EACCES without privilege, EIO from the machine, … */
export function setSlotPower(fid: number, on: boolean, root: string): void {
  writeFileSync(`${root}/sys/bus/pci/slots/${slotName(fid)}/power`, on ? '1' : '0');
}
