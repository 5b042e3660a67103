// SPDX-License-Identifier: MIT
// Layouts of include/uapi/linux/smc_diag.h, Linux 6.12.
import { byteArray, charArray, secret, u8, u16, u16be, u32, u64 } from '../codec.ts';
import { attrs, extended, struct } from '../schema.ts';

/** include/uapi/linux/sock_diag.h */
export const SOCK_DIAG_BY_FAMILY = 20;
export const AF_SMC = 43;

const address = secret('socketAddress', byteArray(16));

/** struct inet_diag_sockid: 48 bytes; ports and addresses in network order, the cookie is two host words */
export const sockId = struct('inet_diag_sockid', {
  sourcePort: u16be,
  destinationPort: u16be,
  source: address,
  destination: address,
  interface: u32,
  cookieLow: u32,
  cookieHigh: u32,
});

/** struct smc_diag_req: 52 bytes. The kernel ignores the socket id; there is no filter of any kind. */
export const smcDiagRequest = struct('smc_diag_req', {
  family: u8,
  pad: byteArray(2),
  extensions: u8,
  id: sockId,
});

/** Bits of `smcDiagRequest.extensions`: 1 << (attribute - 1). SHUTDOWN and FALLBACK are always sent. */
export const SMC_DIAG_EXT = { connection: 0x01, link: 0x02, dmb: 0x08 } as const;

/** struct smc_diag_msg: 64 bytes in front of the attributes */
export const smcDiagMessage = struct('smc_diag_msg', {
  family: u8,
  state: u8,
  mode: u8,
  shutdown: u8, // always 0; the attribute has the value
  id: sockId,
  uid: u32,
  inode: u64,
});

/** struct smc_diag_cursor */
const cursor = struct('smc_diag_cursor', { reserved: u16, wrap: u16, count: u32 });

/** struct smc_diag_conninfo, 76 bytes; sizes in bytes */
export const connectionInfo = struct('smc_diag_conninfo', {
  token: u32,
  sndbufSize: u32,
  rmbeSize: u32,
  peerRmbeSize: u32,
  rxProd: cursor,
  rxCons: cursor,
  txProd: cursor,
  txCons: cursor,
  rxProdFlags: u8,
  rxConnStateFlags: u8,
  txProdFlags: u8,
  txConnStateFlags: u8,
  txPrep: cursor,
  txSent: cursor,
  txFin: cursor,
});

const gidText = secret('gidText', charArray(40));

/** struct smc_diag_lgrinfo with its embedded smc_diag_linkinfo, 147 bytes */
export const linkInfo = struct('smc_diag_lgrinfo', {
  linkId: u8,
  ibName: charArray(64),
  ibPort: u8,
  gid: gidText,
  peerGid: gidText,
  role: u8,
});

const gid = secret('gid', u64);

/** struct smcd_diag_dmbinfo as it was up to 6.7, 40 bytes */
export const dmbInfo = struct('smcd_diag_dmbinfo', {
  linkId: u32,
  peerGid: gid,
  myGid: gid,
  token: u64,
  peerToken: u64,
});

/** the two members appended in 6.8, after the 40 bytes */
export const dmbInfoExtension = struct('smcd_diag_dmbinfo (6.8)', { peerGidExt: gid, myGidExt: gid });

/** struct smc_diag_fallback */
export const fallbackInfo = struct('smc_diag_fallback', { reason: u32, peerDiagnosis: u32 });

/** SMC_DIAG_* attributes */
export const smcDiagAttributes = attrs('SMC_DIAG', {
  connection: [1, connectionInfo],
  link: [2, linkInfo],
  shutdown: [3, u8],
  dmb: [4, extended(dmbInfo, dmbInfoExtension)],
  fallback: [5, fallbackInfo],
});
