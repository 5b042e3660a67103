// SPDX-License-Identifier: MIT
/** nlmsghdr: splits datagrams, builds requests, and checks ERROR and DONE. */
import { type ByteOrder, MalformedError } from './codec.ts';
import { align4 } from './schema.ts';
import { extendedAck, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ERROR } from './uapi/netlink.ts';

export const HEADER_SIZE = 16;

/** One message inside a datagram; `data` is the whole datagram and is only valid during the callback. */
export interface Message {
  type: number;
  flags: number;
  sequence: number;
  /** port ID of the socket to which the message is addressed */
  portId: number;
  data: Buffer;
  /** where the payload starts in `data` */
  offset: number;
  /** length of the payload without padding */
  length: number;
}

/**
 * Splits a datagram into its messages.
 * @throws MalformedError when a header claims more bytes than there are
 */
export function* messages(data: Buffer, order: ByteOrder): Generator<Message> {
  const le = order === 'LE';
  // takes less time for each number than the methods of Buffer
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let at = 0;
  while (data.length - at >= HEADER_SIZE) {
    const size = view.getUint32(at, le);
    if (size < HEADER_SIZE || size > data.length - at)
      throw new MalformedError(`message claims ${size} bytes, ${data.length - at} are there`);
    yield {
      type: view.getUint16(at + 4, le),
      flags: view.getUint16(at + 6, le),
      sequence: view.getUint32(at + 8, le),
      portId: view.getUint32(at + 12, le),
      data,
      offset: at + HEADER_SIZE,
      length: size - HEADER_SIZE,
    };
    at += align4(size);
  }
  if (at < data.length)
    throw new MalformedError(`${data.length - at} bytes left over after the last message`);
}

/** Builds a message. The port ID of a request is 0, because the kernel knows the sender. */
export function encodeMessage(
  header: { type: number; flags: number; sequence: number; portId?: number },
  payload: Buffer,
  order: ByteOrder,
): Buffer {
  const size = HEADER_SIZE + payload.length;
  const data = Buffer.alloc(align4(size));
  const portId = header.portId ?? 0;
  if (order === 'LE') {
    data.writeUInt32LE(size, 0);
    data.writeUInt16LE(header.type, 4);
    data.writeUInt16LE(header.flags, 6);
    data.writeUInt32LE(header.sequence, 8);
    data.writeUInt32LE(portId, 12);
  } else {
    data.writeUInt32BE(size, 0);
    data.writeUInt16BE(header.type, 4);
    data.writeUInt16BE(header.flags, 6);
    data.writeUInt32BE(header.sequence, 8);
    data.writeUInt32BE(portId, 12);
  }
  payload.copy(data, HEADER_SIZE);
  return data;
}

/** The result that ERROR and DONE carry. */
export interface Status {
  /** positive errno, 0 for success */
  errno: number;
  /** text of the extended acknowledgement */
  kernelMessage?: string | undefined;
}

/** Text of an extended acknowledgement. A damaged text is ignored, so that the errno before it is still reported. */
function textOf(data: Buffer, offset: number, length: number, order: ByteOrder): string | undefined {
  try {
    return extendedAck.decode(data, offset, length, order).msg;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return undefined;
  }
}

/** Largest errno (MAX_ERRNO of include/linux/err.h). */
const MAX_ERRNO = 4095;

/**
 * Reads the errno of an ERROR or DONE message. A dump that failed half way ends in a DONE with a negative errno. Both
 * carry 0 or a negative errno on all kernels (netlink_ack and netlink_dump of net/netlink/af_netlink.c); a positive value
 * means neither success nor a known failure.
 * @throws MalformedError
 */
export function readStatus(message: Message, order: ByteOrder): Status {
  const { data, offset, length, type, flags } = message;
  const name = type === NLMSG_ERROR ? 'ERROR' : 'DONE';
  if (length < 4) throw new MalformedError(`${name} with ${length} bytes, 4 are needed`);
  const value = order === 'LE' ? data.readInt32LE(offset) : data.readInt32BE(offset);
  if (value > 0 || value < -MAX_ERRNO)
    throw new MalformedError(`${name} with ${value}, which is not an errno`);
  const status: Status = { errno: value === 0 ? 0 : -value };
  if (flags & NLM_F_ACK_TLVS) {
    let skip = 4;
    if (type === NLMSG_ERROR) {
      if (length < 4 + HEADER_SIZE) return status;
      const echoed = order === 'LE' ? data.readUInt32LE(offset + 4) : data.readUInt32BE(offset + 4);
      // use the length in the echoed header, unless it is invalid
      skip += flags & NLM_F_CAPPED ? HEADER_SIZE : echoed < length ? align4(echoed) : length;
    }
    if (skip < length) {
      const text = textOf(data, offset + skip, length - skip, order);
      if (text) status.kernelMessage = text;
    }
  }
  return status;
}
