// SPDX-License-Identifier: MIT
/** All that decides which device the kernel takes for an SMC connection: interfaces, devices, PNET IDs, EIDs. */
import { kernelRelease } from '../host/architecture.ts';
import { type DibsDevice, readDibsDevices } from '../host/dibs-devices.ts';
import { type KernelVersion, readKernelVersion } from '../host/kernel-version.ts';
import { type NetworkInterface, readInterfaces } from '../host/network-interfaces.ts';
import { isInitialNetworkNamespace } from '../host/network-namespace.ts';
import {
  isIsm,
  type PciFunction,
  type PciSlot,
  readPciFunctions,
  readPciSlots,
} from '../host/pci-devices.ts';
import { type RdmaDevice, readRdmaDevices } from '../host/rdma-devices.ts';
import { smcGenNetlink } from '../netlink/uapi/smc.ts';
import type { SmcClient } from './client.ts';
import type { SmcdDevice, SmcrPort } from './devices.ts';
import type { Seid } from './eids.ts';
import { SmcError } from './error.ts';
import type { InterfaceAddress } from './interface-addresses.ts';
import type { PnetEntry } from './pnet-table.ts';
import type { SystemInfo } from './system.ts';

/** What netlink does not tell is `undefined`: nothing is known then. */
export interface Inventory {
  /** root of the trees that it was read from */
  root: string;
  /** as `uname -r` has it */
  release: string | undefined;
  /** with the stable release, if it is known */
  kernel: KernelVersion | undefined;
  interfaces: NetworkInterface[];
  rdmaDevices: RdmaDevice[];
  pciFunctions: PciFunction[];
  /** switches of the functions; s390x */
  pciSlots: PciSlot[];
  /** SMC-D devices of the class dibs; since Linux 6.18 */
  dibsDevices: DibsDevice[] | undefined;
  /** the PNET table of this network namespace */
  pnetTable: PnetEntry[] | undefined;
  /** RDMA ports as the kernel's SMC knows them */
  smcrPorts: SmcrPort[] | undefined;
  /** ISM devices as the kernel's SMC knows them, without loopback-ism */
  smcdDevices: SmcdDevice[] | undefined;
  system: SystemInfo | undefined;
  ueids: string[] | undefined;
  /** `null` on a machine without one */
  seid: Seid | null | undefined;
  addresses: InterfaceAddress[] | undefined;
  /** what could not be read, and the error */
  problems: { part: string; error: Error }[];
}

/**
 * Reads everything; a part that fails is `undefined` and named in `problems`. Never throws for a missing SMC, and never
 * makes the kernel load it: asking for SMC's netlink families would, so they are left alone while the module is not in.
 */
export async function readInventory(client: SmcClient, root: string): Promise<Inventory> {
  const problems: Inventory['problems'] = [];
  const ask = async <T>(part: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      problems.push({ part, error: error as Error });
      return undefined;
    }
  };
  const system = await ask('SMC', async () => {
    const families = await client.families();
    const isThere = families.some(({ name }) => name === smcGenNetlink.GET_SYS_INFO.family);
    if (!isThere) throw new SmcError('NO_SMC', 'kernel module smc is not loaded');
    return client.system();
  });
  const askSmc = async <T>(part: string, read: () => Promise<T>): Promise<T | undefined> =>
    system && ask(part, read);
  const interfaces = readInterfaces(root);
  return {
    root,
    release: kernelRelease(root),
    kernel: readKernelVersion(root),
    interfaces,
    rdmaDevices: readOwnRdmaDevices(root, interfaces),
    pciFunctions: readPciFunctions(root),
    pciSlots: readPciSlots(root),
    dibsDevices: readDibsDevices(root),
    pnetTable: await askSmc('PNET table', () => client.pnet.list()),
    smcrPorts: await askSmc('RDMA ports of SMC', () => client.smcrPorts()),
    smcdDevices: await askSmc('ISM devices of SMC', () => client.smcdDevices()),
    system,
    ueids: await askSmc('UEIDs', () => client.ueids.list()),
    seid: await askSmc('SEID', async () => (await client.seid.read()) ?? null),
    addresses: await ask('IP addresses', () => client.interfaceAddresses()),
    problems,
  };
}

/**
 * RDMA devices, with the interfaces of ports as far as they are in this network namespace. In other ones than the initial
 * one, sysfs names the interface of a port whether it is there or not, and another one may have the same name: every
 * namespace has a `lo`. The same adapter behind both tells.
 */
export function readOwnRdmaDevices(root: string, interfaces: readonly NetworkInterface[]): RdmaDevice[] {
  const devices = readRdmaDevices(root, interfaces);
  if (isInitialNetworkNamespace(root) !== false) return devices;
  return devices.map((device) => {
    const isOwn = (netdev: string | undefined): boolean =>
      device.parent !== undefined &&
      interfaces.some(({ name, parent }) => name === netdev && parent?.id === device.parent);
    const ports = device.ports.map((port) => ({
      ...port,
      netdev: isOwn(port.netdev) ? port.netdev : undefined,
    }));
    return { ...device, ports };
  });
}

/** ISM devices of the host by PCI address. */
export function ismFunctions({ pciFunctions }: Inventory): PciFunction[] {
  return pciFunctions.filter(isIsm);
}
