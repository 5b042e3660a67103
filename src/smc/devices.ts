// SPDX-License-Identifier: MIT
/** SMC-D devices (ISM), and RDMA devices with the ports that SMC-R can use. */
import type { DibsDevice } from '../host/dibs-devices.ts';
import { hasDibsNames } from '../host/dibs-devices.ts';
import type { GenericNetlink } from '../netlink/genetlink.ts';
import type { Infer } from '../netlink/schema.ts';
import { type devPort, type devSmcd, type devSmcr, smcGenNetlink } from '../netlink/uapi/smc.ts';
import type { SystemInfo } from './system.ts';

/** An ISM device; the kernel leaves loopback-ism out. Absent attributes are `undefined`. */
export type SmcdDevice = Infer<typeof devSmcd>;

/** A port of an RDMA device, with the device it belongs to. */
export interface SmcrPort {
  device: Infer<typeof devSmcr>;
  /** 1 or 2 */
  number: number;
  port: Infer<typeof devPort>;
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

/** @throws NetlinkError */
export async function readSmcdDevices(netlink: GenericNetlink): Promise<SmcdDevice[]> {
  const rows = await netlink.dumpAll(smcGenNetlink.GET_DEV_SMCD);
  return rows.map(({ devSmcd }) => devSmcd);
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
  return rows.flatMap(({ devSmcr: device }) =>
    [device.port, device.port2].flatMap((port, index) =>
      port?.valid ? { device, number: index + 1, port } : [],
    ),
  );
}
