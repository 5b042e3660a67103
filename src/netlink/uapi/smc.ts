// SPDX-License-Identifier: MIT
// Commands and attributes of include/uapi/linux/smc.h, Linux 6.12. Comments use the kernel's spelling; "since" names
// the first kernel that has the attribute or command.
import { blankPadded, secret, str, u8, u16, u32, u32be, u64, uint } from '../codec.ts';
import { family } from '../family.ts';
import { attrs } from '../schema.ts';
import { fallbackStats, stats } from './smc-stats.ts';

const none = attrs('(none)', {});

/** Longest PNET ID in bytes (SMC_MAX_PNETID_LEN). */
export const PNETID_MAX_LENGTH = 16;
/** Longest interface name in bytes (IFNAMSIZ - 1). */
export const IFNAME_MAX_LENGTH = 15;
/** Longest RDMA or ISM device name in bytes (IB_DEVICE_NAME_MAX - 1). */
export const IBNAME_MAX_LENGTH = 63;
/** Ports an RDMA device can have for SMC (SMC_MAX_PORTS). */
export const IBPORT_MAX = 2;
/** SMC_PNETID_IBPORT of an entry for an Ethernet interface. */
export const IBPORT_NONE = 255;
/** What the kernel sends as the name that an entry does not have. */
export const NAME_NONE = 'n/a';
/** Width of an EID without its NUL (SMC_MAX_EID_LEN). */
export const EID_LENGTH = 32;

const eid = secret('eid', blankPadded(EID_LENGTH));
const seidText = secret('eid', str(EID_LENGTH));
const hostName = secret('hostName', blankPadded(32));
const gid = secret('gid', u64);
const gidText = secret('gidText', str(39));

/** enum {SMC_PNETID_*}: an entry of the PNET table in a request */
const pnetRequest = attrs('PNETID', {
  name: [1, str(PNETID_MAX_LENGTH, 'latin1')],
  ethName: [2, str(IFNAME_MAX_LENGTH)],
  ibName: [3, str(IBNAME_MAX_LENGTH)],
  ibPort: [4, u8],
});

/** The same in a reply, which always has all four. */
const pnetEntry = attrs('PNETID', {
  name: [1, str(PNETID_MAX_LENGTH, 'latin1'), 'required'],
  ethName: [2, str(IFNAME_MAX_LENGTH), 'required'],
  ibName: [3, str(IBNAME_MAX_LENGTH), 'required'],
  ibPort: [4, u8, 'required'],
});

/** Family SMC_PNETID, since 4.11. */
export const smcPnetid = family('SMC_PNETID', 1, {
  GET: { id: 1, request: none, reply: pnetEntry },
  ADD: { id: 2, request: pnetRequest, reply: none },
  DEL: { id: 3, request: pnetRequest, reply: none },
  FLUSH: { id: 4, request: none, reply: none },
});

/** SMC_GEN_SYS_INFO */
export const sysInfo = attrs('SYS_INFO', {
  version: [1, u8],
  release: [2, u8],
  isIsmV2: [3, u8],
  localHost: [4, hostName],
  seid: [5, seidText],
  isSmcrV2: [6, u8], // since 5.16
});

/** SMC_NLA_LGR_V2_COMMON: attribute ID 0 is valid here. */
export const lgrV2Common = attrs('V2_COMMON', {
  version: [0, u8],
  release: [1, u8],
  peerOs: [2, u8],
  negotiatedEid: [3, eid],
  peerHost: [4, hostName],
});

/** SMC_NLA_LGR_V2: SMC-R only */
export const lgrRV2 = attrs('LGR_R_V2', {
  direct: [1, u8],
  maxConns: [2, u8], // since 6.6
  maxLinks: [3, u8], // since 6.6
});

/** SMC_GEN_LGR_SMCR */
export const lgrSmcr = attrs('LGR_SMCR', {
  id: [1, u32, 'required'],
  role: [2, u8],
  type: [3, u8],
  pnetId: [4, str(PNETID_MAX_LENGTH)],
  vlanId: [5, u8],
  connsNum: [6, u32],
  v2Common: [7, lgrV2Common],
  v2: [8, lgrRV2],
  netCookie: [9, u64], // since 5.17
  bufType: [11, u8], // since 6.0
  sndbufAlloc: [12, uint], // since 6.12
  rmbAlloc: [13, uint], // since 6.12
});

/** SMC_GEN_LINK_SMCR */
export const linkSmcr = attrs('LINK_SMCR', {
  id: [1, u8, 'required'],
  ibDev: [2, str(IBNAME_MAX_LENGTH)],
  ibPort: [3, u8],
  gid: [4, gidText],
  peerGid: [5, gidText],
  connCnt: [6, u32],
  netDev: [7, u32], // an interface index; some user-space headers declare a string
  uid: [8, u32be],
  peerUid: [9, u32be],
  state: [10, u32],
});

/** SMC_GEN_LGR_SMCD */
export const lgrSmcd = attrs('LGR_SMCD', {
  id: [1, u32, 'required'],
  gid: [2, gid],
  peerGid: [3, gid],
  vlanId: [4, u8],
  connsNum: [5, u32],
  pnetId: [6, str(PNETID_MAX_LENGTH)],
  chid: [7, uint], // the header says u16, the kernel sends u32
  v2Common: [9, lgrV2Common],
  extGid: [10, gid], // since 6.8
  peerExtGid: [11, gid], // since 6.8
  sndbufAlloc: [12, uint], // since 6.12
  dmbAlloc: [13, uint], // since 6.12
});

/** SMC_NLA_DEV_PORT_* of an ISM device */
const ismPort = attrs('DEV_PORT', {
  pnetUser: [1, u8],
  pnetId: [2, str(PNETID_MAX_LENGTH)],
});

/** SMC_NLA_DEV_PORT_* of an RDMA device */
export const devPort = attrs('DEV_PORT', {
  pnetUser: [1, u8],
  pnetId: [2, str(PNETID_MAX_LENGTH)],
  netDev: [3, u32],
  state: [4, u8],
  valid: [5, u8, 'required'],
  linkCount: [6, u32],
});

const device = {
  isCritical: [2, u8],
  pciFid: [3, u32],
  pciChid: [4, u16],
  pciVendor: [5, u16],
  pciDevice: [6, u16],
  pciId: [7, str(15)],
} as const;

/** SMC_GEN_DEV_SMCD */
export const devSmcd = attrs('DEV_SMCD', {
  ...device,
  useCount: [1, u32, 'required'],
  port: [8, ismPort],
});

/** SMC_GEN_DEV_SMCR */
export const devSmcr = attrs('DEV_SMCR', {
  ...device,
  port: [8, devPort],
  port2: [9, devPort],
  ibName: [10, str(IBNAME_MAX_LENGTH), 'required'],
});

/** SMC_NLA_EID_TABLE_*; no nest around it. Requests need exactly 32 characters, padded with blanks, and a NUL. */
const ueid = attrs('EID_TABLE', { entry: [1, eid, 'required'] });

/** SMC_NLA_SEID_*; no attributes at all on a machine without SMC-D version 2 */
const seid = attrs('SEID', { entry: [1, seidText], enabled: [2, u8] });

/** SMC_NLA_HS_LIMITATION_* */
const handshakeLimitation = attrs('HS_LIMITATION', { enabled: [1, u8, 'required'] });

/** Family SMC_GEN_NETLINK, since 5.11; commands above 6 are newer. */
export const smcGenNetlink = family('SMC_GEN_NETLINK', 1, {
  GET_SYS_INFO: { id: 1, request: none, reply: attrs('GEN', { sysInfo: [1, sysInfo, 'required'] }) },
  GET_LGR_SMCR: { id: 2, request: none, reply: attrs('GEN', { lgrSmcr: [2, lgrSmcr, 'required'] }) },
  // each group in a message of command 2, its links in messages of command 3
  GET_LINK_SMCR: {
    id: 3,
    replyIds: [2, 3],
    request: none,
    reply: attrs('GEN', { lgrSmcr: [2, lgrSmcr], linkSmcr: [3, linkSmcr] }),
  },
  GET_LGR_SMCD: { id: 4, request: none, reply: attrs('GEN', { lgrSmcd: [4, lgrSmcd, 'required'] }) },
  GET_DEV_SMCD: { id: 5, request: none, reply: attrs('GEN', { devSmcd: [5, devSmcd, 'required'] }) },
  GET_DEV_SMCR: { id: 6, request: none, reply: attrs('GEN', { devSmcr: [6, devSmcr, 'required'] }) },
  // since 5.14
  GET_STATS: { id: 7, request: none, reply: attrs('GEN', { stats: [7, stats, 'required'] }) },
  GET_FBACK_STATS: {
    id: 8,
    request: none,
    reply: attrs('GEN', { fallback: [8, fallbackStats, 'required'] }),
  },
  // since 5.16
  DUMP_UEID: { id: 9, request: none, reply: ueid },
  ADD_UEID: { id: 10, request: ueid, reply: none },
  REMOVE_UEID: { id: 11, request: ueid, reply: none },
  FLUSH_UEID: { id: 12, request: none, reply: none },
  DUMP_SEID: { id: 13, request: none, reply: seid },
  ENABLE_SEID: { id: 14, request: none, reply: none },
  DISABLE_SEID: { id: 15, request: none, reply: none },
  // since 5.18
  DUMP_HS_LIMITATION: { id: 16, request: none, reply: handshakeLimitation },
  ENABLE_HS_LIMITATION: { id: 17, request: none, reply: none },
  DISABLE_HS_LIMITATION: { id: 18, request: none, reply: none },
});
