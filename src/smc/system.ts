// SPDX-License-Identifier: MIT
/** What the kernel's SMC can do. */
import type { GenericNetlink } from '../netlink/genetlink.ts';
import { smcGenNetlink } from '../netlink/uapi/smc.ts';

/** Capabilities of the kernel; `undefined` where an old one does not tell. */
export interface SystemInfo {
  /** highest SMC version, 2 */
  version: number | undefined;
  /** release of that version: 0 is v2.0, 1 (since Linux 6.6) v2.1 */
  release: number | undefined;
  /** host name as it was when the module smc was loaded; '' for none */
  hostName: string;
  /** system EID; '' on machines without one, loopback-ism included */
  seid: string;
  /** some SMC-D device can do version 2; loopback-ism counts */
  isIsmV2: boolean;
  /** SMC-R version 2 is there; since Linux 5.16 */
  isSmcrV2: boolean;
}

/** @throws NetlinkError */
export async function readSystemInfo(netlink: GenericNetlink): Promise<SystemInfo> {
  const { sysInfo: info } = await netlink.one(smcGenNetlink.GET_SYS_INFO);
  return {
    version: info.version,
    release: info.release,
    hostName: info.localHost ?? '',
    seid: info.seid ?? '',
    isIsmV2: Boolean(info.isIsmV2),
    isSmcrV2: Boolean(info.isSmcrV2),
  };
}
