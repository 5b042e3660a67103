// SPDX-License-Identifier: MIT
/** SMC-D devices (ISM), and RDMA devices with the ports that SMC-R can use. */
import type { DibsDevice } from '../host/dibs-devices.ts';
import { hasDibsNames } from '../host/dibs-devices.ts';
import type { GenericNetlink } from '../netlink/genetlink.ts';
import type { Infer } from '../netlink/schema.ts';
import { type devSmcd, smcGenNetlink } from '../netlink/uapi/smc.ts';
import type { SystemInfo } from './system.ts';
import { enumWord, flag, nameOf, type UnknownWord } from './words.ts';

/** What ISM and RDMA devices have in common; the PCI facts are `undefined` without a PCI parent (soft-RoCE). */
export interface Device {
  /** whether connections depend on it; `undefined` when the kernel does not send it */
  isCritical: boolean | undefined;
  pciFid: number | undefined;
  pchid: number | undefined;
  pciVendor: number | undefined;
  pciDevice: number | undefined;
  /** PCI address */
  pciId: string | undefined;
}

/** The PNET ID of a device or port. */
export interface Pnet {
  /** `undefined`: none */
  pnetId: string | undefined;
  /** whether a user has set it; otherwise it is from hardware */
  isUserPnetId: boolean;
}

/** An ISM device; the kernel leaves loopback-ism out. */
export interface SmcdDevice extends Device, Pnet {
  /** number of link groups that use it */
  linkGroups: number;
}

/** An RDMA device. */
export interface SmcrDevice extends Device {
  ibName: string;
}

/** A port of an RDMA device, with the device it belongs to. */
export interface SmcrPort extends Pnet {
  device: SmcrDevice;
  /** 1 or 2 */
  number: number;
  /** `undefined`: none, or in another network namespace */
  interfaceIndex: number | undefined;
  state: PortState | undefined;
  /** number of links over it */
  links: number | undefined;
}

/** PCI device ids of IBM's adapters, as the C suite names them. */
export const DEVICE_TYPES: Readonly<
  Record<number, 'RoCE_Express' | 'RoCE_Express2' | 'RoCE_Express3' | 'ISM'>
> = {
  4100: 'RoCE_Express',
  4118: 'RoCE_Express2',
  4126: 'RoCE_Express3',
  1261: 'ISM',
};

/** The only adapter of the table that cannot do SMC-R version 2. */
export const ROCE_EXPRESS = 0x1004;

/** SMC_NLA_DEV_PORT_STATE */
export const PORT_STATES = { 0: 'INACTIVE', 1: 'ACTIVE' } as const;

export type PortState = 'INACTIVE' | 'ACTIVE' | UnknownWord;

function deviceOf(
  wire: Pick<
    Infer<typeof devSmcd>,
    'isCritical' | 'pciFid' | 'pciChid' | 'pciVendor' | 'pciDevice' | 'pciId'
  >,
): Device {
  return {
    isCritical: flag(wire.isCritical),
    pciFid: wire.pciFid,
    pchid: wire.pciChid,
    pciVendor: wire.pciVendor,
    pciDevice: wire.pciDevice,
    pciId: wire.pciId,
  };
}

function pnetOf(port: { pnetId?: string; pnetUser?: number } | undefined): Pnet {
  const pnetId = nameOf(port?.pnetId);
  return { pnetId, isUserPnetId: pnetId !== undefined && Boolean(port?.pnetUser) };
}

/** @throws NetlinkError */
export async function readSmcdDevices(netlink: GenericNetlink): Promise<SmcdDevice[]> {
  const rows = await netlink.dumpAll(smcGenNetlink.GET_DEV_SMCD);
  return rows.map(({ devSmcd }) => ({
    ...deviceOf(devSmcd),
    ...pnetOf(devSmcd.port),
    linkGroups: devSmcd.useCount,
  }));
}

/**
 * Whether SMC has a loopback-ism. Since Linux 6.18 it is in the class dibs. Before, no list has it; but nothing else can
 * make a machine without ISM devices capable of version 2.
 * @param dibs devices of the class, where there is one
 * @returns `undefined` when it is not known
 */
export function hasLoopbackIsm(
  { isIsmV2 }: SystemInfo,
  devices: readonly SmcdDevice[],
  dibs: readonly DibsDevice[] | undefined,
): boolean | undefined {
  if (dibs) return dibs.some(({ isLoopback }) => isLoopback);
  if (!isIsmV2) return false;
  return devices.length === 0 ? true : undefined;
}

/** Names of loopback-ism in the PNET table of this kernel; both where that is not known. */
export function loopbackNames(
  release: string | undefined,
  dibs: readonly DibsDevice[] | undefined,
): readonly string[] {
  if (hasDibsNames(release, dibs)) return ['lo'];
  return release === undefined ? ['lo', 'loopback-ism'] : ['loopback-ism'];
}

/**
 * Ports in kernel order, port 1 of a device before port 2. Ports that the kernel calls invalid are left out.
 * @throws NetlinkError
 */
export async function readSmcrPorts(netlink: GenericNetlink): Promise<SmcrPort[]> {
  const rows = await netlink.dumpAll(smcGenNetlink.GET_DEV_SMCR);
  return rows.flatMap(({ devSmcr }) => {
    const device = { ...deviceOf(devSmcr), ibName: devSmcr.ibName };
    return [devSmcr.port, devSmcr.port2].flatMap((port, index): SmcrPort[] =>
      port?.valid
        ? [
            {
              device,
              number: index + 1,
              ...pnetOf(port),
              interfaceIndex: port.netDev || undefined,
              state: enumWord(PORT_STATES, port.state),
              links: port.linkCount,
            },
          ]
        : [],
    );
  });
}
