// SPDX-License-Identifier: MIT
/** The names of errors, for commands: these import nothing of netlink. */
export { errnoName } from '../netlink/errno.ts';
