// SPDX-License-Identifier: MIT
/** A kernel with devices, link groups and statistics, for the tests of smcd and smcr. */
import type { ByteOrder } from '../../src/netlink/codec.ts';
import { smcGenNetlink } from '../../src/netlink/uapi/smc.ts';
import { Errno, FakeKernel, type Handler } from './fake-kernel.ts';

export const ISM = {
  useCount: 2,
  isCritical: 1,
  pciFid: 0x1c,
  pciChid: 0x7c0,
  pciVendor: 0x1014,
  pciDevice: 0x04ed,
  pciId: '0000:00:00.0',
  port: { pnetUser: 0, pnetId: 'NET1' },
};

export const ROCE = {
  isCritical: 1,
  pciFid: 0xff,
  pciChid: 0x1ff,
  pciVendor: 0x15b3,
  pciDevice: 0x1016,
  pciId: '0001:00:00.0',
  ibName: 'mlx5_bond_0',
  port: { pnetUser: 0, pnetId: 'NET1', netDev: 2, state: 1, valid: 1, linkCount: 12 },
  port2: { pnetUser: 1, pnetId: 'ABCDEFGHIJKLMNOP', netDev: 77, state: 0, valid: 1, linkCount: 0 },
};

/** soft-RoCE has no PCI parent; its second port is not usable */
export const SOFT_ROCE = {
  isCritical: 0,
  ibName: 'rxelo',
  port: { pnetUser: 0, pnetId: '', netDev: 1, state: 1, valid: 1, linkCount: 0 },
  port2: { netDev: 0, state: 0, valid: 0 },
};

const V2 = { version: 2, release: 1, peerOs: 2, negotiatedEid: 'MY.EID', peerHost: 'peer' };

export const SMCD_GROUP = {
  id: 0x100,
  gid: 0x5244e083631af99en,
  peerGid: 0x5244e083631af99fn,
  vlanId: 5,
  connsNum: 9,
  pnetId: 'ABCDEFGHIJKLMNOP',
  chid: 0xffffn,
  v2Common: V2,
  extGid: 1n,
  peerExtGid: 0n,
  sndbufAlloc: 65_536n,
  dmbAlloc: 0x1_0000_0000n,
};

/** of version 1, from a kernel before 6.8 */
export const OLD_SMCD_GROUP = {
  id: 0x200,
  gid: 1n,
  peerGid: 2n,
  vlanId: 0,
  connsNum: 0,
  pnetId: '',
  chid: 0x7c0n,
};

export const SMCR_GROUP = {
  id: 0x100,
  role: 1,
  type: 2,
  pnetId: 'NET1',
  vlanId: 100,
  connsNum: 3,
  v2Common: { ...V2, peerOs: 9 },
  v2: { direct: 1, maxConns: 255, maxLinks: 2 },
  netCookie: 1n,
  bufType: 1,
  sndbufAlloc: 131_072n,
  rmbAlloc: 131_072n,
};

/** of version 1, from a kernel before 5.17 */
export const OLD_SMCR_GROUP = { id: 0x200, role: 0, type: 7, pnetId: '', vlanId: 0, connsNum: 1 };

export const LINK = {
  id: 1,
  ibDev: 'mlx5_bond_0',
  ibPort: 1,
  gid: '0000:0000:0000:0000:0000:ffff:0a09:0001',
  peerGid: '0000:0000:0000:0000:0000:ffff:0a09:0002',
  connCnt: 2,
  netDev: 2,
  uid: 0x101,
  peerUid: 0x1f02,
  state: 3,
};

/** on an interface of another network namespace */
export const FAR_LINK = { ...LINK, id: 2, ibDev: 'rxelo', netDev: 77, uid: 0x102, connCnt: 1, state: 2 };

const SIZES = {
  upTo8K: 781n,
  upTo16K: 617n,
  upTo32K: 45n,
  upTo64K: 2978n,
  upTo512K: 1n,
  upTo1024K: 2n,
  above1024K: 3n,
};

export const STATS = {
  smcd: {
    rxRmbSize: { upTo64K: 10n },
    txPayloadSize: SIZES,
    rxPayloadSize: { upTo8K: 31_655n },
    txRmb: { sizeSmallPeer: 1n, sizeSmall: 2n, fullPeer: 3n, full: 4n, reuse: 5n, alloc: 6n, downgrade: 7n },
    rxRmb: { full: 2871n, reuse: 8n, alloc: 2n, downgrade: 1n },
    clientV1: 1n,
    clientV2: 4n,
    serverV1: 2n,
    serverV2: 3n,
    splice: 2n,
    cork: 3n,
    nodelay: 4n,
    urgentData: 5n,
    rxBytes: 195_165_752n,
    txBytes: 0xffff_ffff_ffff_ffffn,
    rxCount: 31_655n,
    txCount: 68_917n,
    rxRmbUsage: 655_360n,
    txRmbUsage: 0n,
  },
  clientHandshakeErrors: 1n,
  serverHandshakeErrors: 0n,
};

export const FALLBACKS = [
  { type: 1, serverTotal: 3n, clientTotal: 5n, reasonCode: 0x05000000, reasonCount: 1 },
  { type: 0, reasonCode: 0x03010000, reasonCount: 1 },
  { type: 1, reasonCode: 0x03030008, reasonCount: 2 },
  { type: 0, reasonCode: 0x01010000, reasonCount: 1 },
  { type: 0, reasonCode: 0x77777777, reasonCount: 2 },
  { type: 0, reasonCode: 0x03000000, reasonCount: 1 },
  { type: 0, reasonCode: 0, reasonCount: 0 },
];

type Handlers = { [K in keyof typeof smcGenNetlink]?: Handler };

const links = () => [
  { lgrSmcr: SMCR_GROUP },
  { linkSmcr: LINK },
  { linkSmcr: FAR_LINK },
  { lgrSmcr: OLD_SMCR_GROUP },
];

/** @param handlers replace the kernel's answers, or add to them */
export function inspectedKernel(handlers: Handlers = {}, order?: ByteOrder): FakeKernel {
  return new FakeKernel(order).serve(smcGenNetlink, {
    GET_SYS_INFO: () => [
      { sysInfo: { version: 2, release: 1, isIsmV2: 1, localHost: 'alpha', seid: 'SEID', isSmcrV2: 1 } },
    ],
    GET_DEV_SMCD: () => [{ devSmcd: ISM }],
    GET_DEV_SMCR: () => [{ devSmcr: ROCE }, { devSmcr: SOFT_ROCE }],
    GET_LGR_SMCD: () => [
      { lgrSmcd: SMCD_GROUP },
      { lgrSmcd: OLD_SMCD_GROUP },
      { lgrSmcd: { ...OLD_SMCD_GROUP, id: 0x300 } },
    ],
    GET_LINK_SMCR: links,
    GET_STATS: () => [{ stats: STATS }],
    GET_FBACK_STATS: () => FALLBACKS.map((fallback) => ({ fallback })),
    DUMP_UEID: () => [{ entry: 'MY.EID' }, { entry: 'B' }],
    DUMP_SEID: () => [{ entry: 'IBM-SYSZ-ISMSEID0000000012345678', enabled: 1 }],
    DUMP_HS_LIMITATION: () => [{ enabled: 1 }],
    ...handlers,
  });
}

/** A kernel in which nothing is configured, as it is after boot. */
export const emptyKernel = (): FakeKernel =>
  inspectedKernel(
    Object.fromEntries(
      ['GET_DEV_SMCD', 'GET_DEV_SMCR', 'GET_LGR_SMCD', 'GET_LINK_SMCR', 'GET_FBACK_STATS', 'DUMP_UEID']
        .map((command) => [command, () => []])
        .concat([
          ['GET_STATS', () => [{ stats: {} }]],
          ['GET_SYS_INFO', () => [{ sysInfo: { version: 2, release: 0, localHost: '', isIsmV2: 0 } }]],
          ['DUMP_SEID', () => [{}]],
          ['DUMP_HS_LIMITATION', () => [{ enabled: 0 }]],
        ] as never),
    ) as Handlers,
  );

/** Answers a command with an errno. */
export const fails =
  (code: string): Handler =>
  () => {
    throw new Errno(code);
  };
