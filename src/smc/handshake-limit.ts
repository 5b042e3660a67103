// SPDX-License-Identifier: MIT
/**
 * The handshake limitation of a network namespace: while SMC handshakes queue up, new connections are completed as
 * plain TCP instead of waiting. Sockets take the setting over when they are made. Since Linux 5.18.
 */
import type { GenericNetlink } from '../netlink/genetlink.ts';
import { smcGenNetlink } from '../netlink/uapi/smc.ts';

export class HandshakeLimit {
  readonly #netlink: () => Promise<GenericNetlink>;

  /** @param netlink gives the (shared) connection when it is first needed */
  constructor(netlink: () => Promise<GenericNetlink>) {
    this.#netlink = netlink;
  }

  /** @throws NetlinkError */
  async isEnabled(): Promise<boolean> {
    return (await (await this.#netlink()).one(smcGenNetlink.DUMP_HS_LIMITATION)).enabled === 1;
  }

  /** Needs CAP_NET_ADMIN in the initial user namespace. @throws NetlinkError EPERM and others */
  async set(isEnabled: boolean): Promise<void> {
    const { ENABLE_HS_LIMITATION, DISABLE_HS_LIMITATION } = smcGenNetlink;
    await (await this.#netlink()).do(isEnabled ? ENABLE_HS_LIMITATION : DISABLE_HS_LIMITATION, {});
  }
}
