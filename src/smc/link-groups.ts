// SPDX-License-Identifier: MIT
/** Link groups: what the connections between two hosts share, and in SMC-R the links they are made of. */
import { type GenericNetlink, malformedReply } from '../netlink/genetlink.ts';
import type { Infer } from '../netlink/schema.ts';
import { type lgrSmcd, type lgrSmcr, type linkSmcr, smcGenNetlink } from '../netlink/uapi/smc.ts';
import { readSmcdDevices } from './devices.ts';

/** An SMC-D link group of this host, any network namespace. Attributes that an old kernel lacks are `undefined`. */
export type SmcdLinkGroup = Infer<typeof lgrSmcd>;

/** A link of an SMC-R link group; only links that are active or being activated are reported. */
export type SmcrLink = Infer<typeof linkSmcr>;

/** An SMC-R link group of this host, any network namespace. */
export interface SmcrLinkGroup extends Infer<typeof lgrSmcr> {
  links: SmcrLink[];
}

/** enum smc_lgr_type */
export const LINK_GROUP_TYPES = { 0: 'NONE', 1: 'SINGLE', 2: 'SYM', 3: 'ASYMP', 4: 'ASYML' } as const;

/** enum smc_link_state */
export const LINK_STATES = {
  0: 'LINK_UNUSED',
  1: 'LINK_INACTIVE',
  2: 'LINK_ACTIVATING',
  3: 'LINK_ACTIVE',
} as const;

/** SMC_CLC_OS_*; 0 is "unknown" */
export const PEER_SYSTEMS: Readonly<Record<number, 'ZOS' | 'LINUX' | 'AIX'>> = {
  1: 'ZOS',
  2: 'LINUX',
  3: 'AIX',
};

/** enum smcr_buf_type */
export const BUFFER_TYPES = { 0: 'PHYSICAL', 1: 'VIRTUAL', 2: 'MIXED' } as const;

/** Channel id of loopback-ism (ISM_RESERVED_VCHID of the kernel's smc_loopback.h). */
export const LOOPBACK_CHID = 0xffffn;

/** Ids are multiples of this; the rest of an SMC-R link's uid is the link's own number. */
const LINK_GROUP_ID_MASK = 0xffff_ff00;

/** Link group that an id names; the uid of a link names its group. */
export function linkGroupOf(id: number): number {
  return (id & LINK_GROUP_ID_MASK) >>> 0;
}

/**
 * SMC-R link groups by age, with their links by slot.
 * @throws NetlinkError
 */
export async function readSmcrLinkGroups(netlink: GenericNetlink): Promise<SmcrLinkGroup[]> {
  // one dump for both: the kernel sends each group and then its links
  const rows = await netlink.dumpAll(smcGenNetlink.GET_LINK_SMCR);
  const groups: SmcrLinkGroup[] = [];
  for (const { lgrSmcr, linkSmcr } of rows) {
    if (lgrSmcr) groups.push({ ...lgrSmcr, links: [] });
    const group = groups.at(-1);
    if (!group || Boolean(lgrSmcr) === Boolean(linkSmcr))
      throw malformedReply(
        smcGenNetlink.GET_LINK_SMCR,
        'a message that is neither a group nor a link of one',
      );
    if (linkSmcr) group.links.push(linkSmcr);
  }
  return groups;
}

/**
 * SMC-D link groups by device and age.
 *
 * With several devices the kernel leaves groups out: the position at which its dump goes on is not reset between
 * devices (up to 7.x at least). `missing` is how many, computed from the devices' own counts; groups of loopback-ism are
 * not counted anywhere and cannot be missed.
 * @throws NetlinkError
 */
export async function readSmcdLinkGroups(
  netlink: GenericNetlink,
): Promise<{ groups: SmcdLinkGroup[]; missing: number }> {
  for (let attempt = 0; ; attempt++) {
    const rows = await netlink.dumpAll(smcGenNetlink.GET_LGR_SMCD);
    const groups = rows.map(({ lgrSmcd }) => lgrSmcd);
    const devices = await readSmcdDevices(netlink);
    const counted = devices.reduce((sum, { useCount }) => sum + useCount, 0);
    const listed = groups.filter(({ chid }) => chid !== LOOPBACK_CHID).length;
    // A single device cannot lose any; it still counts groups that are being taken down, which are listed no more.
    const hasSeveral = devices.length > 1 || listed < groups.length;
    const missing = hasSeveral ? Math.max(0, counted - listed) : 0;
    // a group may just have come into being between the two dumps: look twice
    if (missing === 0 || attempt > 0) return { groups, missing };
  }
}
