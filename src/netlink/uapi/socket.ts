// SPDX-License-Identifier: MIT
// Address families of include/linux/socket.h, Linux 6.12.

/** Every family, in requests. */
export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;
