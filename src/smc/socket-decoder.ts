// SPDX-License-Identifier: MIT
/**
 * Reads what smc_diag sends for a socket. A list can have tens of thousands, so this is written out by hand: the layouts of
 * uapi/smc-diag.ts, which say the same, make several small calls and objects for each field. Whatever does not have its
 * usual size is left to them.
 */
import type { ByteOrder } from '../netlink/codec.ts';
import { decodeText } from '../netlink/codec.ts';
import { align4, NLA_HEADER_SIZE, NLA_TYPE_MASK } from '../netlink/schema.ts';
import {
  connectionInfo,
  dmbInfo,
  dmbInfoExtension,
  fallbackInfo,
  linkInfo,
  smcDiagAttributes,
  smcDiagMessage,
  sockId,
} from '../netlink/uapi/smc-diag.ts';
import type { SmcSocket, SocketAttributes } from './sockets.ts';

/** The two addresses of a socket, 16 bytes each, where the kernel put them. They are valid during a call only. */
export interface RawAddresses {
  data: Buffer;
  view: DataView;
  /** of the address of this end in `data` and `view` */
  source: number;
  destination: number;
}

const MESSAGE = smcDiagMessage.offsets;
const ID = smcDiagMessage.offsets.id;
const SOURCE_PORT = ID + sockId.offsets.sourcePort;
const DESTINATION_PORT = ID + sockId.offsets.destinationPort;
const SOURCE = ID + sockId.offsets.source;
const DESTINATION = ID + sockId.offsets.destination;
const INTERFACE = ID + sockId.offsets.interface;
const COOKIE_LOW = ID + sockId.offsets.cookieLow;
const COOKIE_HIGH = ID + sockId.offsets.cookieHigh;

const [CONNECTION] = smcDiagAttributes.fields.connection;
const [LINK] = smcDiagAttributes.fields.link;
const [SHUTDOWN] = smcDiagAttributes.fields.shutdown;
const [DMB] = smcDiagAttributes.fields.dmb;
const [FALLBACK] = smcDiagAttributes.fields.fallback;

const FULL_DMB_SIZE = dmbInfo.size + dmbInfoExtension.size;

/** Most sockets did not fall back. */
const NO_FALLBACK = Object.freeze({ reason: 0, peerDiagnosis: 0 });

/**
 * @param resolve fills in the addresses
 * @returns a function that reads the payload of one message; it throws MalformedError
 */
export function socketDecoder(
  order: ByteOrder,
  resolve: (socket: SmcSocket, raw: RawAddresses) => void,
): (data: Buffer, offset: number, length: number) => SmcSocket {
  const le = order === 'LE';
  const raw: RawAddresses = {
    data: Buffer.alloc(0),
    view: new DataView(new ArrayBuffer(0)),
    source: 0,
    destination: 0,
  };
  return (data, offset, length) => {
    if (length < smcDiagMessage.size) smcDiagMessage.decode(data, offset, length, order); // says what is wrong
    if (raw.data !== data) {
      raw.data = data;
      raw.view = new DataView(data.buffer, data.byteOffset, data.length);
    }
    const { view } = raw;
    const size = smcDiagMessage.size;
    const socket: SmcSocket = {
      family: view.getUint8(offset + MESSAGE.family),
      state: view.getUint8(offset + MESSAGE.state),
      mode: view.getUint8(offset + MESSAGE.mode),
      id: {
        interface: view.getUint32(offset + INTERFACE, le),
        cookieLow: view.getUint32(offset + COOKIE_LOW, le),
        cookieHigh: view.getUint32(offset + COOKIE_HIGH, le),
      },
      uid: view.getUint32(offset + MESSAGE.uid, le),
      inode: view.getBigUint64(offset + MESSAGE.inode, le),
      attributes: readAttributes(data, view, offset + size, length - size, order),
      addressFamily: undefined,
      local: { address: undefined, port: view.getUint16(offset + SOURCE_PORT) },
      peer: { address: undefined, port: view.getUint16(offset + DESTINATION_PORT) },
    };
    raw.source = offset + SOURCE;
    raw.destination = offset + DESTINATION;
    resolve(socket, raw);
    return socket;
  };
}

function readAttributes(
  data: Buffer,
  view: DataView,
  offset: number,
  length: number,
  order: ByteOrder,
): SocketAttributes {
  const le = order === 'LE';
  const attributes: SocketAttributes = {};
  const end = offset + length;
  for (let at = offset; end - at >= NLA_HEADER_SIZE; ) {
    const size = view.getUint16(at, le);
    const value = at + NLA_HEADER_SIZE;
    const valueSize = size - NLA_HEADER_SIZE;
    if (valueSize < 0 || size > end - at) return smcDiagAttributes.decode(data, offset, length, order);
    switch (view.getUint16(at + 2, le) & NLA_TYPE_MASK) {
      case SHUTDOWN:
        if (valueSize !== 1) return smcDiagAttributes.decode(data, offset, length, order);
        attributes.shutdown = view.getUint8(value);
        break;
      case FALLBACK:
        if (valueSize < fallbackInfo.size) return smcDiagAttributes.decode(data, offset, length, order);
        attributes.fallback = readFallback(view, value, le);
        break;
      case CONNECTION:
        if (valueSize < connectionInfo.size) return smcDiagAttributes.decode(data, offset, length, order);
        attributes.connection = readConnection(view, value, le);
        break;
      case LINK:
        if (valueSize < linkInfo.size) return smcDiagAttributes.decode(data, offset, length, order);
        attributes.link = readLink(data, value);
        break;
      case DMB:
        if (valueSize < dmbInfo.size) return smcDiagAttributes.decode(data, offset, length, order);
        attributes.dmb = readDmb(view, value, valueSize, le);
        break;
    }
    at += align4(size);
  }
  return attributes;
}

function readFallback(view: DataView, at: number, le: boolean): NonNullable<SocketAttributes['fallback']> {
  const reason = view.getUint32(at + fallbackInfo.offsets.reason, le);
  const peerDiagnosis = view.getUint32(at + fallbackInfo.offsets.peerDiagnosis, le);
  return reason === 0 && peerDiagnosis === 0 ? NO_FALLBACK : { reason, peerDiagnosis };
}

const C = connectionInfo.offsets;

function readConnection(
  view: DataView,
  at: number,
  le: boolean,
): NonNullable<SocketAttributes['connection']> {
  return {
    token: view.getUint32(at + C.token, le),
    sndbufSize: view.getUint32(at + C.sndbufSize, le),
    rmbeSize: view.getUint32(at + C.rmbeSize, le),
    peerRmbeSize: view.getUint32(at + C.peerRmbeSize, le),
    rxProd: readCursor(view, at + C.rxProd, le),
    rxCons: readCursor(view, at + C.rxCons, le),
    txProd: readCursor(view, at + C.txProd, le),
    txCons: readCursor(view, at + C.txCons, le),
    rxProdFlags: view.getUint8(at + C.rxProdFlags),
    rxConnStateFlags: view.getUint8(at + C.rxConnStateFlags),
    txProdFlags: view.getUint8(at + C.txProdFlags),
    txConnStateFlags: view.getUint8(at + C.txConnStateFlags),
    txPrep: readCursor(view, at + C.txPrep, le),
    txSent: readCursor(view, at + C.txSent, le),
    txFin: readCursor(view, at + C.txFin, le),
  };
}

function readCursor(
  view: DataView,
  at: number,
  le: boolean,
): { reserved: number; wrap: number; count: number } {
  return {
    reserved: view.getUint16(at, le),
    wrap: view.getUint16(at + 2, le),
    count: view.getUint32(at + 4, le),
  };
}

const L = linkInfo.offsets;
const { ibName: NAME_SIZE, gid: GID_SIZE } = {
  ibName: linkInfo.members.ibName.size,
  gid: linkInfo.members.gid.size,
};

function readLink(data: Buffer, at: number): NonNullable<SocketAttributes['link']> {
  const text = (offset: number, size: number): string => decodeText(data, at + offset, at + offset + size);
  return {
    linkId: data[at + L.linkId]!,
    ibName: text(L.ibName, NAME_SIZE),
    ibPort: data[at + L.ibPort]!,
    gid: text(L.gid, GID_SIZE),
    peerGid: text(L.peerGid, GID_SIZE),
    role: data[at + L.role]!,
  };
}

const D = dmbInfo.offsets;
const X = dmbInfoExtension.offsets;

function readDmb(
  view: DataView,
  at: number,
  size: number,
  le: boolean,
): NonNullable<SocketAttributes['dmb']> {
  const dmb: NonNullable<SocketAttributes['dmb']> = {
    linkId: view.getUint32(at + D.linkId, le),
    peerGid: view.getBigUint64(at + D.peerGid, le),
    myGid: view.getBigUint64(at + D.myGid, le),
    token: view.getBigUint64(at + D.token, le),
    peerToken: view.getBigUint64(at + D.peerToken, le),
  };
  if (size < FULL_DMB_SIZE) return dmb;
  dmb.peerGidExt = view.getBigUint64(at + dmbInfo.size + X.peerGidExt, le);
  dmb.myGidExt = view.getBigUint64(at + dmbInfo.size + X.myGidExt, le);
  return dmb;
}
