// SPDX-License-Identifier: MIT
/** IP addresses of the network interfaces of a network namespace. */
import { Connection, type ConnectionOptions } from '../netlink/connection.ts';
import type { Exchange } from '../netlink/transaction.ts';
import {
  ADDRESS_SCOPES,
  addressAttributes,
  addressMessage,
  IFA_F_DADFAILED,
  IFA_F_TENTATIVE,
  NETLINK_ROUTE,
  RTM_GETADDR,
  RTM_NEWADDR,
} from '../netlink/uapi/rtnetlink.ts';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../netlink/uapi/socket.ts';
import { formatIpv4, formatIpv6 } from './ip-address.ts';

export interface InterfaceAddress {
  /** ifindex */
  index: number;
  /** `undefined` when the interface no longer exists */
  interface: string | undefined;
  family: 4 | 6;
  address: string;
  /** bits of the network part */
  prefixLength: number;
  /** "global", "link", "host", "site", or a number */
  scope: string;
  /** false while IPv6 still looks for a duplicate, and when it found one: nothing can be bound to it */
  isUsable: boolean;
}

/**
 * Addresses in the kernel's order. Needs no privilege.
 * @param names of the interfaces by index
 * @throws NetlinkError
 */
export async function readInterfaceAddresses(
  options: ConnectionOptions,
  names: ReadonlyMap<number, string>,
): Promise<InterfaceAddress[]> {
  const connection = await Connection.open(NETLINK_ROUTE, options);
  try {
    const rows = await connection.dumpAll(addressDump(connection, names));
    return rows.flatMap((row) => row ?? []);
  } finally {
    connection.close();
  }
}

function addressDump(
  { transport: { order } }: Connection,
  names: ReadonlyMap<number, string>,
): Exchange<InterfaceAddress | null> {
  const request = { family: AF_UNSPEC, prefixLength: 0, flags: 0, scope: 0, index: 0 };
  return {
    family: 'ROUTE',
    command: 'GETADDR',
    type: RTM_GETADDR,
    replyType: RTM_NEWADDR,
    payload: addressMessage.encode(request, order),
    request: { header: addressMessage },
    reply: { header: addressMessage, attributes: addressAttributes },
    decode({ data, offset, length }) {
      const message = addressMessage.decode(data, offset, length, order);
      const { size } = addressMessage;
      const attributes = addressAttributes.decode(data, offset + size, length - size, order);
      const bytes = attributes.local ?? attributes.address;
      const { family, prefixLength, scope, index } = message;
      const isIpv4 = family === AF_INET && bytes?.length === 4;
      const isIpv6 = family === AF_INET6 && bytes?.length === 16;
      if (!isIpv4 && !isIpv6) return null; // phone network (AF_PHONET) and the like
      const flags = attributes.flags ?? message.flags;
      return {
        index,
        interface: names.get(index),
        family: isIpv4 ? 4 : 6,
        address: isIpv4 ? formatIpv4(bytes) : formatIpv6(bytes),
        prefixLength,
        scope: ADDRESS_SCOPES[scope] ?? String(scope),
        isUsable: (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0,
      };
    },
  };
}
