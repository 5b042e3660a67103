// SPDX-License-Identifier: MIT
// Made-up dumps of SMC sockets, byte for byte as smc_diag sends them on a little-endian machine.

const DATAGRAM = 32_400;

/** Bits of the request */
const EXT_CONNECTION = 1;
const EXT_LINK = 2;
const EXT_DMB = 8;

const ACTIVE = 1;
const LISTEN = 10;
const SMCR = 0;
const TCP = 1;
const SMCD = 2;

/** @param {number} id @param {Buffer} data */
function attribute(id, data) {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(4 + data.length, 0);
  header.writeUInt16LE(id, 2);
  return Buffer.concat([header, data, Buffer.alloc(-data.length & 3)]);
}

/** @param {number} at */
function connection(at) {
  const data = Buffer.alloc(76);
  [at, 0xffe0, 0xffe0, 0xffe0].forEach((value, word) => {
    data.writeUInt32LE(value, 4 * word);
  });
  for (const cursor of [16, 24, 32, 40, 52, 60, 68]) {
    data.writeUInt16LE(at & 0xffff, cursor + 2);
    data.writeUInt32LE((at * 7919) % 0xffe0, cursor + 4);
  }
  return data;
}

/** @param {number} at */
function link(at) {
  const data = Buffer.alloc(147);
  data[0] = 1;
  data.write(`mlx5_${at % 4}`, 1);
  data[65] = 1;
  data.write('0000:0000:0000:0000:0000:ffff:0a09:0001', 66);
  data.write(`0000:0000:0000:0000:0000:ffff:0a09:${(at % 0x10000).toString(16).padStart(4, '0')}`, 106);
  return data;
}

/** @param {number} at */
function dmb(at) {
  const data = Buffer.alloc(56);
  data.writeUInt32LE(0x100 + (at % 7), 0);
  for (let word = 1; word < 7; word++) data.writeBigUInt64LE(0x5244e083631af99en + BigInt(at), 8 * word);
  return data;
}

const hex = (/** @type {string} */ text) => Buffer.from(text, 'hex');
const IPV4 = [hex('0a000001'), hex('0a000002')];
const IPV6 = [hex('20010db8000000000000000000000001'), hex('20010db8000100000000000000000002')];

/**
 * Of twenty sockets 11 are SMC-R, 5 SMC-D, 3 fell back, and one listens.
 *
 * @param {number} at
 * @param {boolean} isIpv6
 * @param {number} extensions
 */
function message(at, isIpv6, extensions) {
  const kind = at % 20;
  const mode = kind < 11 || kind === 19 ? SMCR : kind < 16 ? SMCD : TCP;
  const state = kind === 19 ? LISTEN : ACTIVE;
  const fixed = Buffer.alloc(64);
  fixed.set([43, state, mode, 0]);
  fixed.writeUInt16BE(1024 + (at % 60_000), 4);
  const [local = hex(''), peer = hex('')] = isIpv6 ? IPV6 : IPV4;
  local.copy(fixed, 8);
  if (state !== LISTEN) {
    fixed.writeUInt16BE(443, 6);
    peer.copy(fixed, 24);
    fixed[isIpv6 ? 38 : 26] = at & 0xff;
  }
  fixed.writeUInt32LE(at + 1, 44);
  fixed.writeUInt32LE(1000 + (at % 50), 52);
  fixed.writeBigUInt64LE(BigInt(100_000 + at), 56);
  const isSmc = mode !== TCP && state !== LISTEN;
  const fallback = Buffer.alloc(8);
  if (mode === TCP) fallback.writeUInt32LE(0x03010000);
  const body = Buffer.concat([
    fixed,
    attribute(3, Buffer.from([0])),
    attribute(5, fallback),
    ...(isSmc && extensions & EXT_CONNECTION ? [attribute(1, connection(at))] : []),
    ...(isSmc && mode === SMCR && extensions & EXT_LINK ? [attribute(2, link(at))] : []),
    ...(isSmc && mode === SMCD && extensions & EXT_DMB ? [attribute(4, dmb(at))] : []),
  ]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(2, 6);
  return Buffer.concat([header, body]);
}

/**
 * The datagrams of a dump, without the one that ends it; the sequence number is 0 everywhere. IPv6 sockets come last, as in
 * the kernel; they are a fifth.
 *
 * @param {number} sockets
 * @param {number} extensions what the request asks for
 */
export function madeUpDump(sockets, extensions) {
  /** @type {Buffer[]} */
  const datagrams = [];
  /** @type {Buffer[]} */
  let parts = [];
  let length = 0;
  for (let at = 0; at < sockets; at++) {
    const part = message(at, at >= sockets * 0.8, extensions);
    if (length + part.length > DATAGRAM) {
      datagrams.push(Buffer.concat(parts));
      parts = [];
      length = 0;
    }
    parts.push(part);
    length += part.length;
  }
  if (length > 0) datagrams.push(Buffer.concat(parts));
  return datagrams;
}
