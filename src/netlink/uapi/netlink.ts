// SPDX-License-Identifier: MIT
// Numbers of include/uapi/linux/netlink.h and genetlink.h, Linux 6.12.
import { s32, str, u16, u32 } from '../codec.ts';
import { attrs, indexed, struct } from '../schema.ts';

export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_GENERIC = 16;

/** struct nlmsghdr */
export const messageHeader = struct('nlmsghdr', {
  size: u32,
  type: u16,
  flags: u16,
  sequence: u32,
  portId: u32,
});

/** struct nlmsgerr: an errno, negative, and the header of the request */
export const errorMessage = struct('nlmsgerr', { error: s32, message: messageHeader });

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
/** NLM_F_ROOT | NLM_F_MATCH */
export const NLM_F_DUMP = 0x300;
/** in ERROR and DONE: only the header of the request is echoed */
export const NLM_F_CAPPED = 0x100;
/** in ERROR and DONE: extended acknowledgement attributes follow */
export const NLM_F_ACK_TLVS = 0x200;

/** enum nlmsgerr_attrs */
export const extendedAck = attrs('nlmsgerr_attrs', { msg: [1, str(255)], offs: [2, u32] });

/** The controller's fixed message type and name (GENL_ID_CTRL). */
export const GENL_ID_CTRL = 0x10;
/** Largest ID of a family; the controller has the smallest. */
export const GENL_MAX_ID = 1023;
export const CTRL_CMD_GETFAMILY = 3;
export const CTRL_CMD_NEWFAMILY = 1;

/** enum {CTRL_ATTR_OP_*}; flags: 1 ADMIN_PERM, 2 CAP_DO, 4 CAP_DUMP, 8 HASPOL, 16 UNS_ADMIN */
const operation = attrs('CTRL_ATTR_OP', { id: [1, u32, 'required'], flags: [2, u32] });

/** enum {CTRL_ATTR_*} */
export const controller = attrs('CTRL', {
  familyId: [1, u16],
  familyName: [2, str(15)],
  version: [3, u32],
  maxAttr: [5, u32],
  operations: [6, indexed(operation)],
});
