// SPDX-License-Identifier: MIT
// Layouts of include/uapi/linux/rtnetlink.h and if_addr.h, Linux 6.12: addresses of interfaces.
import { binary, secret, u8, u32 } from '../codec.ts';
import { attrs, struct } from '../schema.ts';

export const NETLINK_ROUTE = 0;
/** message type in the reply to RTM_GETADDR */
export const RTM_NEWADDR = 20;
export const RTM_GETADDR = 22;

/** struct ifaddrmsg, 8 bytes; in a dump request a family of 0 asks for all */
export const addressMessage = struct('ifaddrmsg', {
  family: u8,
  prefixLength: u8,
  flags: u8,
  scope: u8,
  index: u32,
});

const address = secret('address', binary);

/** enum {IFA_*}; IPv4 sends both, and ADDRESS is the peer's on a point-to-point link; IPv6 sends LOCAL only there */
export const addressAttributes = attrs('IFA', {
  address: [1, address],
  local: [2, address],
  flags: [8, u32], // all 32 bits of the flags
});

/** RT_SCOPE_* */
export const ADDRESS_SCOPES: Readonly<Record<number, string>> = {
  0: 'global',
  200: 'site',
  253: 'link',
  254: 'host',
};

/** another host in the network has the address, too */
export const IFA_F_DADFAILED = 0x08;
/** the kernel is still checking whether another host has the address */
export const IFA_F_TENTATIVE = 0x40;
