// SPDX-License-Identifier: MIT
/**
 * Replaces addresses, host names and enterprise IDs in recordings with others of the same length. What to replace is
 * marked where the field is declared (`secret` in netlink/codec.ts). Only what is declared is kept: attributes of newer
 * kernels and bytes after the known ones become zeros, because nobody knows what they say.
 */
import { type ByteOrder, type Codec, MalformedError, type Secret, s32, u64 } from '../netlink/codec.ts';
import { genlHeader } from '../netlink/genetlink.ts';
import { type Message, messages } from '../netlink/message.ts';
import { type Fields, NLA_HEADER_SIZE, rawAttributes } from '../netlink/schema.ts';
import { inetDiagMessage } from '../netlink/uapi/inet-diag.ts';
import {
  controller,
  errorMessage,
  GENL_ID_CTRL,
  messageHeader,
  NETLINK_GENERIC,
  NETLINK_SOCK_DIAG,
  NLMSG_DONE,
  NLMSG_ERROR,
} from '../netlink/uapi/netlink.ts';
import { addressAttributes, addressMessage, NETLINK_ROUTE, RTM_NEWADDR } from '../netlink/uapi/rtnetlink.ts';
import { smcGenNetlink, smcPnetid } from '../netlink/uapi/smc.ts';
import {
  AF_SMC,
  SOCK_DIAG_BY_FAMILY,
  smcDiagAttributes,
  smcDiagMessage,
  smcDiagRequest,
} from '../netlink/uapi/smc-diag.ts';
import { AF_INET, AF_INET6 } from '../netlink/uapi/socket.ts';
import type { ExchangeRecord, Recording } from './recording.ts';

/** Gives replacements: the same one for the same thing each time. */
export interface Pseudonyms {
  /** @param address 4 or 16 bytes; @returns as many */
  address(address: Uint8Array): Uint8Array;
  /** @returns a text of the same length */
  eid(text: string): string;
  hostName(text: string): string;
  /** of SMC-D, 64 bits */
  gid(value: bigint): bigint;
  /** of an RDMA device, in full form: 39 characters; @returns an empty text for anything else */
  gidText(text: string): string;
}

/**
 * Redacts the messages about SMC, TCP sockets and interface addresses.
 * @returns a recording without exchanges of unknown contents, and the number of exchanges left out
 */
export function redactRecording(
  recording: Recording,
  names: Pseudonyms,
): { recording: Recording; dropped: number } {
  const families = familyNames(recording);
  const exchanges = recording.exchanges.flatMap((exchange) => {
    const layoutOf = (message: Message): Layout | undefined => findLayout(exchange, message, families);
    const replies = exchange.replies.map((reply) =>
      redactDatagram(Buffer.from(reply, 'hex'), layoutOf, { order: recording.order, names })?.toString('hex'),
    );
    return replies.includes(undefined) ? [] : [{ ...exchange, replies: replies as string[] }];
  });
  return {
    recording: { ...recording, exchanges },
    dropped: recording.exchanges.length - exchanges.length,
  };
}

/** What a message consists of. */
interface Layout {
  header?: Codec<unknown> & { readonly size: number };
  attributes?: Codec<unknown>;
}

/** Messages of lower types are about the exchange, not about the system. */
const FIRST_DATA_TYPE = 0x10;

/** `undefined` for an unknown message */
function findLayout(
  { protocol, request }: ExchangeRecord,
  message: Message,
  families: ReadonlyMap<number, string>,
): Layout | undefined {
  const { type } = message;
  if (type < FIRST_DATA_TYPE) return CONTROL_MESSAGES[type] ?? {};
  if (protocol === NETLINK_GENERIC) return genericLayout(message, families);
  if (protocol === NETLINK_ROUTE && type === RTM_NEWADDR)
    return { header: addressMessage, attributes: addressAttributes };
  if (protocol !== NETLINK_SOCK_DIAG || type !== SOCK_DIAG_BY_FAMILY) return undefined;
  // the request tells: a row of an SMC socket may have the family of its addresses
  return SOCKETS[Buffer.from(request, 'hex')[messageHeader.size + smcDiagRequest.offsets.family] ?? 0];
}

/** The number of an error without what follows it, which may be a text of the kernel. */
const CONTROL_MESSAGES: Readonly<Record<number, Layout>> = {
  [NLMSG_ERROR]: { header: errorMessage },
  [NLMSG_DONE]: { header: s32 },
};

/** By the address family that was asked for. */
const SOCKETS: Readonly<Record<number, Layout>> = {
  [AF_SMC]: { header: smcDiagMessage, attributes: smcDiagAttributes },
  [AF_INET]: { header: inetDiagMessage },
  [AF_INET6]: { header: inetDiagMessage },
};

const FAMILIES: Readonly<Record<string, object>> = {
  SMC_PNETID: smcPnetid,
  SMC_GEN_NETLINK: smcGenNetlink,
};

function genericLayout(
  { type, data, offset }: Message,
  families: ReadonlyMap<number, string>,
): Layout | undefined {
  if (type === GENL_ID_CTRL) return { header: genlHeader, attributes: controller };
  const commands = Object.values(FAMILIES[families.get(type) ?? ''] ?? {}) as {
    id: number;
    reply: Codec<unknown>;
  }[];
  // a reply carries the number of the command whose only answer it would be
  const attributes = commands.find(({ id }) => id === data[offset + genlHeader.offsets.command])?.reply;
  return attributes && { header: genlHeader, attributes };
}

interface Rules {
  order: ByteOrder;
  names: Pseudonyms;
}

/**
 * Copies what is declared into a datagram of zeros. What is damaged stays zero, too, and readers find it damaged.
 * @returns undefined for a datagram with unknown messages
 */
function redactDatagram(
  datagram: Buffer,
  layoutOf: (message: Message) => Layout | undefined,
  rules: Rules,
): Buffer | undefined {
  const redacted = Buffer.alloc(datagram.length);
  try {
    for (const message of messages(datagram, rules.order)) {
      const layout = layoutOf(message);
      if (!layout) return undefined;
      const { offset, length } = message;
      datagram.copy(redacted, offset - messageHeader.size, offset - messageHeader.size, offset);
      const [from, to] = [datagram, redacted].map((whole) => whole.subarray(offset, offset + length)) as [
        Buffer,
        Buffer,
      ];
      const { header, attributes } = layout;
      const size = header?.size ?? 0;
      if (header) copyDeclared(header, from.subarray(0, size), to.subarray(0, size), rules);
      if (attributes) copyDeclared(attributes, from.subarray(size), to.subarray(size), rules);
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
  return redacted;
}

/** Copies what a codec declares, with other names for what is marked. @param to zeros, as many as `from` has bytes */
function copyDeclared(codec: Codec<unknown>, from: Buffer, to: Buffer, rules: Rules): void {
  const part = (inner: Codec<unknown>, at: number, size: number): void =>
    copyDeclared(inner, from.subarray(at, at + size), to.subarray(at, at + size), rules);
  const { fields, element, members, offsets, parts } = codec as Nesting;
  if (fields || element) {
    const byId = new Map(Object.values(fields ?? {}).map(([id, inner]) => [id, inner]));
    for (const { id, offset, length } of rawAttributes(from, 0, from.length, rules.order)) {
      from.copy(to, offset - NLA_HEADER_SIZE, offset - NLA_HEADER_SIZE, offset);
      const inner = element ?? byId.get(id);
      if (inner) part(inner, offset, length);
    }
  } else if (members) {
    for (const [key, member] of Object.entries(members)) part(member, offsets?.[key] ?? 0, member.size);
  } else if (parts) {
    let at = 0;
    for (const inner of parts) {
      part(inner, at, inner.size);
      at += inner.size;
    }
  } else copyValue(codec, from, to, rules);
}

/** Codecs that consist of others: attributes, arrays of nests, structs, and structs with an extension. */
type Sized = Codec<unknown> & { readonly size: number };
interface Nesting {
  fields?: Fields;
  element?: Codec<unknown>;
  members?: Readonly<Record<string, Sized>>;
  offsets?: Readonly<Record<string, number>>;
  parts?: readonly Sized[];
}

/** A single value. One that its codec cannot read is not what was declared. */
function copyValue(codec: Codec<unknown>, from: Buffer, to: Buffer, rules: Rules): void {
  let value: unknown;
  try {
    value = codec.decode(from, 0, from.length, rules.order);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return;
  }
  // nobody reads what follows the end of a text
  const end = typeof value === 'string' ? from.indexOf(0) : -1;
  const field = to.subarray(0, end < 0 ? from.length : end);
  from.copy(field);
  if (codec.secret) HIDE[codec.secret](field, rules);
}

/** How each kind of secret is replaced in its field. */
const HIDE: Readonly<Record<Secret, (field: Buffer, rules: Rules) => void>> = {
  address: (field, { names }) => {
    if (field.length === 4 || field.length === 16) field.set(names.address(field));
    else field.fill(0);
  },
  socketAddress: (field, { names }) => {
    const isIpv4 = field.subarray(4).every((byte) => byte === 0);
    const address = isIpv4 ? field.subarray(0, 4) : field;
    address.set(names.address(address));
  },
  eid: (field, { names }) => redactText(field, names.eid),
  hostName: (field, { names }) => redactText(field, names.hostName),
  gidText: (field, { names }) => redactText(field, names.gidText),
  gid: (field, { names, order }) => {
    u64.encode(names.gid(u64.decode(field, 0, field.length, order)), order).copy(field);
  },
};

/** Leaves the blanks at the end of a text. */
function redactText(field: Buffer, rename: (text: string) => string): void {
  const text = field.toString('latin1').replace(/ +$/, '');
  if (text === '') return;
  field.fill(0, 0, text.length);
  field.write(rename(text), 0, text.length, 'latin1');
}

/** Names of the generic netlink families by message type, from recorded replies of the controller. */
function familyNames({ exchanges, order }: Recording): Map<number, string> {
  const names = new Map<number, string>();
  for (const { protocol, replies } of exchanges)
    for (const reply of protocol === NETLINK_GENERIC ? replies : [])
      try {
        for (const { type, data, offset, length } of messages(Buffer.from(reply, 'hex'), order)) {
          if (type !== GENL_ID_CTRL) continue;
          const { size } = genlHeader;
          const { familyId, familyName } = controller.decode(data, offset + size, length - size, order);
          if (familyId !== undefined && familyName !== undefined) names.set(familyId, familyName);
        }
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
      }
  return names;
}
