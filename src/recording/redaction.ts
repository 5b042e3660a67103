// SPDX-License-Identifier: MIT
/** Replaces addresses, host names and enterprise IDs in recordings with others of the same length. */
import type { ByteOrder } from '../netlink/codec.ts';
import { genlHeader } from '../netlink/genetlink.ts';
import { type Message, messages } from '../netlink/message.ts';
import { type AttributeSet, rawAttributes } from '../netlink/schema.ts';
import { AF_INET, AF_INET6 } from '../netlink/uapi/inet-diag.ts';
import { controller, GENL_ID_CTRL, NETLINK_GENERIC, NETLINK_SOCK_DIAG } from '../netlink/uapi/netlink.ts';
import { addressMessage, NETLINK_ROUTE } from '../netlink/uapi/rtnetlink.ts';
import { smcGenNetlink } from '../netlink/uapi/smc.ts';
import {
  dmbInfo,
  dmbInfoExtension,
  linkInfo,
  SOCK_DIAG_BY_FAMILY,
  smcDiagMessage,
} from '../netlink/uapi/smc-diag.ts';
import type { Recording } from './recording.ts';

/** Gives replacements: the same one for the same thing each time. */
export interface Pseudonyms {
  /** @param address 4 or 16 bytes; @returns as many */
  address(address: Uint8Array): Uint8Array;
  /** @returns a text of the same length */
  eid(text: string): string;
  hostName(text: string): string;
  /** of SMC-D, 64 bits */
  gid(value: bigint): bigint;
  /** of an RDMA device, in full form: 39 characters */
  gidText(text: string): string;
}

/**
 * Replaces all of these in the messages about SMC, TCP sockets and interface addresses, in place.
 * @returns the recording without exchanges of unknown contents, and the number of exchanges left out
 */
export function redactRecording(
  recording: Recording,
  names: Pseudonyms,
): { recording: Recording; dropped: number } {
  const families = familyNames(recording);
  const exchanges = recording.exchanges.flatMap((exchange) => {
    const replies = exchange.replies.map((reply) => {
      const data = Buffer.from(reply, 'hex');
      return redactDatagram(data, exchange.protocol, families, recording.order, names)
        ? data.toString('hex')
        : undefined;
    });
    return replies.includes(undefined) ? [] : [{ ...exchange, replies: replies as string[] }];
  });
  return {
    recording: { ...recording, exchanges },
    dropped: recording.exchanges.length - exchanges.length,
  };
}

/** Messages of lower types are about the exchange, not about the system. */
const FIRST_DATA_TYPE = 0x10;
const RTM_NEWADDR = 20;

/** @returns false for an unknown message */
type RedactMessage = (message: Message) => boolean;

function redactDatagram(
  data: Buffer,
  protocol: number,
  families: ReadonlyMap<number, string>,
  order: ByteOrder,
  names: Pseudonyms,
): boolean {
  const redact = {
    [NETLINK_SOCK_DIAG]: (message: Message) => redactSocket(message, order, names),
    [NETLINK_ROUTE]: (message: Message) => redactAddress(message, order, names),
    [NETLINK_GENERIC]: (message: Message) => redactGeneric(message, families, order, names),
  }[protocol] as RedactMessage | undefined;
  for (const message of messages(data, order))
    if (message.type >= FIRST_DATA_TYPE && !redact?.(message)) return false;
  return true;
}

/** Addresses have the same offsets for SMC and TCP sockets. */
function redactSocket({ type, data, offset, length }: Message, order: ByteOrder, names: Pseudonyms): boolean {
  if (type !== SOCK_DIAG_BY_FAMILY) return false;
  for (const at of [8, 24]) {
    const field = data.subarray(offset + at, offset + at + 16);
    const isIpv4 = field.subarray(4).every((byte) => byte === 0);
    const address = isIpv4 ? field.subarray(0, 4) : field;
    address.set(names.address(address));
  }
  if (data[offset] === AF_INET || data[offset] === AF_INET6) return true;
  const { size } = smcDiagMessage;
  for (const attribute of rawAttributes(data, offset + size, length - size, order)) {
    const value = data.subarray(attribute.offset, attribute.offset + attribute.length);
    if (attribute.id === LINK)
      for (const key of ['gid', 'peerGid'] as const)
        redactText(value.subarray(linkInfo.offsets[key], linkInfo.offsets[key] + GID_SIZE), names.gidText);
    if (attribute.id === DMB) {
      for (const key of ['peerGid', 'myGid'] as const) redactGid(value, dmbInfo.offsets[key], order, names);
      for (const key of ['peerGidExt', 'myGidExt'] as const)
        redactGid(value, dmbInfo.size + dmbInfoExtension.offsets[key], order, names);
    }
  }
  return true;
}

/** SMC_DIAG_LGRINFO, SMC_DIAG_DMBINFO */
const LINK = 2;
const DMB = 4;
/** `char gid[40]` */
const GID_SIZE = 40;

/** IFA_ADDRESS, LOCAL, BROADCAST, ANYCAST, MULTICAST */
const ADDRESSES = [1, 2, 4, 5, 7];

function redactAddress(
  { type, data, offset, length }: Message,
  order: ByteOrder,
  names: Pseudonyms,
): boolean {
  if (type !== RTM_NEWADDR) return false;
  const { size } = addressMessage;
  for (const { id, offset: at, length: bytes } of rawAttributes(data, offset + size, length - size, order)) {
    const value = data.subarray(at, at + bytes);
    if (ADDRESSES.includes(id) && (bytes === 4 || bytes === 16)) value.set(names.address(value));
  }
  return true;
}

function redactGeneric(
  { type, data, offset, length }: Message,
  families: ReadonlyMap<number, string>,
  order: ByteOrder,
  names: Pseudonyms,
): boolean {
  const family = families.get(type);
  if (type === GENL_ID_CTRL || family === 'SMC_PNETID') return true;
  if (family !== 'SMC_GEN_NETLINK') return false;
  const { size } = genlHeader;
  // a reply carries the number of its command; if several commands have it, the first layout contains those of the others
  const command = Object.values(smcGenNetlink).find(({ id }) => id === data[offset]);
  if (!command) return false;
  redactAttributes(command.reply as AttributeSet, data, offset + size, length - size, order, names);
  return true;
}

/** Fields to hide, by their names in uapi/smc.ts. */
const SECRETS: Readonly<Record<string, 'eid' | 'hostName' | 'gid'>> = {
  localHost: 'hostName',
  peerHost: 'hostName',
  seid: 'eid',
  negotiatedEid: 'eid',
  entry: 'eid',
  gid: 'gid',
  peerGid: 'gid',
  extGid: 'gid',
  peerExtGid: 'gid',
};

function redactAttributes(
  set: AttributeSet,
  data: Buffer,
  offset: number,
  length: number,
  order: ByteOrder,
  names: Pseudonyms,
): void {
  const fields = Object.entries(set.fields);
  for (const attribute of rawAttributes(data, offset, length, order)) {
    const [key = '', field] = fields.find(([, [id]]) => id === attribute.id) ?? [];
    const codec = field?.[1];
    if (codec && 'fields' in codec)
      redactAttributes(codec as AttributeSet, data, attribute.offset, attribute.length, order, names);
    const value = data.subarray(attribute.offset, attribute.offset + attribute.length);
    const kind = SECRETS[key];
    if (kind === 'gid' && codec?.name === 'u64') redactGid(value, 0, order, names);
    else if (kind === 'gid') redactText(value, names.gidText);
    else if (kind) redactText(value, names[kind]);
  }
}

/** A text that ends with a NUL, with blanks or with its field. */
function redactText(field: Buffer, rename: (text: string) => string): void {
  const end = field.indexOf(0);
  const text = field.toString('latin1', 0, end < 0 ? field.length : end).replace(/ +$/, '');
  if (text !== '') field.write(rename(text), 0, text.length, 'latin1');
}

function redactGid(data: Buffer, at: number, order: ByteOrder, names: Pseudonyms): void {
  if (data.length < at + 8) return; // before Linux 6.8
  if (order === 'LE') data.writeBigUInt64LE(names.gid(data.readBigUInt64LE(at)), at);
  else data.writeBigUInt64BE(names.gid(data.readBigUInt64BE(at)), at);
}

/** Names of the generic netlink families by message type, from recorded replies of the controller. */
function familyNames({ exchanges, order }: Recording): Map<number, string> {
  const names = new Map<number, string>();
  for (const { protocol, replies } of exchanges)
    for (const reply of protocol === NETLINK_GENERIC ? replies : [])
      for (const { type, data, offset, length } of messages(Buffer.from(reply, 'hex'), order)) {
        if (type !== GENL_ID_CTRL) continue;
        const { size } = genlHeader;
        const { familyId, familyName } = controller.decode(data, offset + size, length - size, order);
        if (familyId !== undefined && familyName !== undefined) names.set(familyId, familyName);
      }
  return names;
}
