// SPDX-License-Identifier: MIT
/** Link groups: what the connections between two hosts share, and in SMC-R the links they are made of. */
import { type GenericNetlink, malformedReply } from '../netlink/genetlink.ts';
import type { Infer } from '../netlink/schema.ts';
import { type lgrSmcd, type lgrSmcr, type linkSmcr, smcGenNetlink } from '../netlink/uapi/smc.ts';
import { readSmcdDevices } from './devices.ts';
import { enumWord, flag, type LinkRole, linkRole, nameOf, type UnknownWord } from './words.ts';

/** What link groups of SMC-D and SMC-R have in common. What an old kernel does not send is `undefined`. */
export interface LinkGroup {
  id: number;
  vlanId: number | undefined;
  connections: number | undefined;
  /** `undefined`: none */
  pnetId: string | undefined;
  /** of SMC */
  version: number;
  /** what version 2 adds; `undefined` for a group of version 1 */
  v2: LinkGroupV2 | undefined;
  /** since Linux 6.12 */
  sndbufBytes: bigint | undefined;
}

/** What peers that use version 2 tell each other. */
export interface LinkGroupV2 {
  peerRelease: number | undefined;
  peerHost: string | undefined;
  /** see PEER_SYSTEMS */
  peerOs: number | undefined;
  /** enterprise ID that both hosts have */
  eid: string | undefined;
}

/** An SMC-D link group of this host, any network namespace. */
export interface SmcdLinkGroup extends LinkGroup {
  gid: bigint | undefined;
  /** second half, since Linux 6.8 */
  extGid: bigint | undefined;
  peerGid: bigint | undefined;
  peerExtGid: bigint | undefined;
  chid: bigint | undefined;
  /** since Linux 6.12 */
  dmbBytes: bigint | undefined;
}

/** An SMC-R link group of this host, any network namespace. */
export interface SmcrLinkGroup extends LinkGroup {
  role: LinkRole | undefined;
  type: LinkGroupType | undefined;
  /** whether the peers are in one subnet; `undefined` for version 1 */
  isDirect: boolean | undefined;
  /** since Linux 6.6; `undefined` for version 1 */
  maxConnections: number | undefined;
  maxLinks: number | undefined;
  /** since Linux 6.0 */
  bufferType: BufferType | undefined;
  /** cookie of the network namespace of the RDMA device, since Linux 5.17 */
  netCookie: bigint | undefined;
  /** since Linux 6.12 */
  rmbBytes: bigint | undefined;
  links: SmcrLink[];
}

/** A link of an SMC-R link group; only links that are active or being activated are reported. */
export interface SmcrLink {
  /** number within the group */
  id: number;
  ibDevice: string | undefined;
  ibPort: number | undefined;
  gid: string | undefined;
  peerGid: string | undefined;
  connections: number | undefined;
  /** `undefined`: none, or in another network namespace */
  interfaceIndex: number | undefined;
  uid: number | undefined;
  peerUid: number | undefined;
  state: LinkState | undefined;
}

/** enum smc_lgr_type */
export const LINK_GROUP_TYPES = { 0: 'NONE', 1: 'SINGLE', 2: 'SYM', 3: 'ASYMP', 4: 'ASYML' } as const;

export type LinkGroupType = (typeof LINK_GROUP_TYPES)[keyof typeof LINK_GROUP_TYPES] | UnknownWord;

/** enum smc_link_state */
export const LINK_STATES = {
  0: 'LINK_UNUSED',
  1: 'LINK_INACTIVE',
  2: 'LINK_ACTIVATING',
  3: 'LINK_ACTIVE',
} as const;

export type LinkState = (typeof LINK_STATES)[keyof typeof LINK_STATES] | UnknownWord;

/** SMC_CLC_OS_*; 0 is "unknown" */
export const PEER_SYSTEMS: Readonly<Record<number, 'ZOS' | 'LINUX' | 'AIX'>> = {
  1: 'ZOS',
  2: 'LINUX',
  3: 'AIX',
};

/** enum smcr_buf_type */
const BUFFER_TYPES = { 0: 'PHYSICAL', 1: 'VIRTUAL', 2: 'MIXED' } as const;

export type BufferType = (typeof BUFFER_TYPES)[keyof typeof BUFFER_TYPES] | UnknownWord;

/** Channel id of loopback-ism (ISM_RESERVED_VCHID of the kernel's smc_loopback.h). */
export const LOOPBACK_CHID = 0xffffn;

/** Ids are multiples of this; the rest of an SMC-R link's uid is the link's own number. */
const LINK_GROUP_ID_MASK = 0xffff_ff00;

/** Link group that an id names; the uid of a link names its group. */
export function linkGroupOf(id: number): number {
  return (id & LINK_GROUP_ID_MASK) >>> 0;
}

function groupOf(
  wire: Pick<Infer<typeof lgrSmcd>, 'id' | 'vlanId' | 'connsNum' | 'pnetId' | 'v2Common' | 'sndbufAlloc'>,
): LinkGroup {
  const { v2Common } = wire;
  return {
    id: wire.id,
    vlanId: wire.vlanId,
    connections: wire.connsNum,
    pnetId: nameOf(wire.pnetId),
    version: v2Common?.version ?? 1,
    v2: v2Common && {
      peerRelease: v2Common.release,
      peerHost: nameOf(v2Common.peerHost),
      peerOs: v2Common.peerOs,
      eid: nameOf(v2Common.negotiatedEid),
    },
    sndbufBytes: wire.sndbufAlloc,
  };
}

const smcdGroupOf = (wire: Infer<typeof lgrSmcd>): SmcdLinkGroup => ({
  ...groupOf(wire),
  gid: wire.gid,
  extGid: wire.extGid,
  peerGid: wire.peerGid,
  peerExtGid: wire.peerExtGid,
  chid: wire.chid,
  dmbBytes: wire.dmbAlloc,
});

const smcrGroupOf = (wire: Infer<typeof lgrSmcr>): SmcrLinkGroup => ({
  ...groupOf(wire),
  role: wire.role === undefined ? undefined : linkRole(wire.role),
  type: enumWord(LINK_GROUP_TYPES, wire.type),
  isDirect: flag(wire.v2?.direct),
  maxConnections: wire.v2?.maxConns,
  maxLinks: wire.v2?.maxLinks,
  bufferType: enumWord(BUFFER_TYPES, wire.bufType),
  netCookie: wire.netCookie,
  rmbBytes: wire.rmbAlloc,
  links: [],
});

const linkOf = (wire: Infer<typeof linkSmcr>): SmcrLink => ({
  id: wire.id,
  ibDevice: wire.ibDev,
  ibPort: wire.ibPort,
  gid: wire.gid,
  peerGid: wire.peerGid,
  connections: wire.connCnt,
  interfaceIndex: wire.netDev || undefined,
  uid: wire.uid,
  peerUid: wire.peerUid,
  state: enumWord(LINK_STATES, wire.state),
});

/**
 * SMC-R link groups by age, with their links by slot.
 * @throws NetlinkError
 */
export async function readSmcrLinkGroups(netlink: GenericNetlink): Promise<SmcrLinkGroup[]> {
  // one dump for both: the kernel sends each group and then its links
  const rows = await netlink.dumpAll(smcGenNetlink.GET_LINK_SMCR);
  const groups: SmcrLinkGroup[] = [];
  for (const { lgrSmcr, linkSmcr } of rows) {
    if (lgrSmcr) groups.push(smcrGroupOf(lgrSmcr));
    const group = groups.at(-1);
    if (!group || Boolean(lgrSmcr) === Boolean(linkSmcr))
      throw malformedReply(
        smcGenNetlink.GET_LINK_SMCR,
        'a message that is neither a group nor a link of one',
      );
    if (linkSmcr) group.links.push(linkOf(linkSmcr));
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
    const groups = rows.map(({ lgrSmcd }) => smcdGroupOf(lgrSmcd));
    const devices = await readSmcdDevices(netlink);
    const counted = devices.reduce((sum, { linkGroups }) => sum + linkGroups, 0);
    const listed = groups.filter(({ chid }) => chid !== LOOPBACK_CHID).length;
    // A single device cannot lose any; it still counts groups that are being taken down, which are listed no more.
    const hasSeveral = devices.length > 1 || listed < groups.length;
    const missing = hasSeveral ? Math.max(0, counted - listed) : 0;
    // a group may just have come into being between the two dumps: look twice
    if (missing === 0 || attempt > 0) return { groups, missing };
  }
}
