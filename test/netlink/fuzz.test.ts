// SPDX-License-Identifier: MIT
// Whatever arrives, only MalformedError may come out: anything else would be a crash report instead of a message.
// Runs alone: it changes Error.stackTraceLimit.
import { inspect, isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { type ByteOrder, type Codec, MalformedError } from '../../src/netlink/codec.ts';
import { genlHeader } from '../../src/netlink/genetlink.ts';
import { encodeMessage, messages, readStatus } from '../../src/netlink/message.ts';
import { inetDiagMessage } from '../../src/netlink/uapi/inet-diag.ts';
import { controller, extendedAck } from '../../src/netlink/uapi/netlink.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { connectionInfo, smcDiagAttributes, smcDiagMessage } from '../../src/netlink/uapi/smc-diag.ts';
import { socketDecoder } from '../../src/smc/socket-decoder.ts';
import { fuzzCases } from '../helpers/fuzz.ts';
import { random } from '../helpers/random.ts';

// most datagrams end in an error, and its stack is what costs time
Error.stackTraceLimit = 0;

const SEED = 20_260_101;
const ROUNDS = fuzzCases({ short: 5000, long: 20_000 });

const REPLIES: Codec<unknown>[] = [
  controller,
  extendedAck,
  smcPnetid.GET.reply,
  ...Object.values(smcGenNetlink).map(({ reply }) => reply as Codec<unknown>),
];

/** Reads a datagram in every way that the program has. */
function readAll(data: Buffer, order: ByteOrder): void {
  const attempt = (body: () => void): void => {
    try {
      body();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
    }
  };
  attempt(() => {
    for (const message of messages(data, order)) {
      const { offset, length } = message;
      if (offset + length > data.length) throw new RangeError('a message outside its datagram');
      attempt(() => readStatus({ ...message, type: 2, flags: message.flags | 0x200 }, order));
      attempt(() => readStatus({ ...message, type: 3, flags: message.flags | 0x200 }, order));
      attempt(() => readStatus(message, order));
      attempt(() => genlHeader.decode(data, offset, length, order));
      if (length >= 4)
        for (const reply of REPLIES) attempt(() => reply.decode(data, offset + 4, length - 4, order));
      attempt(() => inetDiagMessage.decode(data, offset, length, order));
      compareSocket(data, offset, length, order);
    }
  });
}

/** What a socket is read as by its layouts, and by the code that lists read it with. */
function compareSocket(data: Buffer, offset: number, length: number, order: ByteOrder): void {
  const outcome = (body: () => object): unknown => {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return error.message;
    }
  };
  const byLayout = outcome(() => {
    const { shutdown: _, id, ...head } = smcDiagMessage.decode(data, offset, length, order);
    const { interface: index, cookieLow, cookieHigh } = id;
    return {
      ...head,
      id: { interface: index, cookieLow, cookieHigh },
      attributes: smcDiagAttributes.decode(data, offset + 64, length - 64, order),
      addressFamily: undefined,
      local: { address: [...id.source].join('.'), port: id.sourcePort },
      peer: { address: [...id.destination].join('.'), port: id.destinationPort },
    };
  });
  const decode = socketDecoder(order, ({ local, peer }, raw) => {
    local.address = [...data.subarray(raw.source, raw.source + 16)].join('.');
    peer.address = [...data.subarray(raw.destination, raw.destination + 16)].join('.');
  });
  const fast = outcome(() => decode(data, offset, length));
  if (!isDeepStrictEqual(fast, byLayout))
    throw new Error(`read as ${inspect(fast)} instead of ${inspect(byLayout)}`);
}

/** Well-formed datagrams to start from. */
function seeds(order: ByteOrder): Buffer[] {
  const genl = (attributes: Buffer): Buffer =>
    Buffer.concat([genlHeader.encode({ command: 1, version: 1, reserved: 0 }, order), attributes]);
  const { GET_LGR_SMCR, GET_DEV_SMCR } = smcGenNetlink;
  const payloads = [
    genl(
      controller.encode(
        { familyId: 36, familyName: 'SMC_PNETID', operations: [{ id: 1, flags: 12 }] },
        order,
      ),
    ),
    genl(smcPnetid.GET.reply.encode({ name: 'NET1', ethName: 'eth0', ibName: 'n/a', ibPort: 255 }, order)),
    genl(
      GET_LGR_SMCR.reply.encode(
        { lgrSmcr: { id: 1, v2Common: { version: 2, negotiatedEid: 'A' }, sndbufAlloc: 1n << 40n } },
        order,
      ),
    ),
    genl(
      GET_DEV_SMCR.reply.encode({ devSmcr: { ibName: 'mlx5_0', port: { pnetId: 'A', valid: 1 } } }, order),
    ),
    Buffer.concat([
      Buffer.alloc(64),
      smcDiagAttributes.encode(
        {
          shutdown: 3,
          fallback: { reason: 1, peerDiagnosis: 2 },
          dmb: { linkId: 1, peerGid: 1n, myGid: 2n, token: 3n, peerToken: 4n },
          connection: connectionInfo.decode(Buffer.alloc(76, 7), 0, 76, order),
          link: { linkId: 1, ibName: 'mlx5_0', ibPort: 1, gid: '::', peerGid: '::', role: 0 },
        },
        order,
      ),
    ]),
    Buffer.concat([
      Buffer.alloc(4, 0xff),
      encodeMessage({ type: 16, flags: 1, sequence: 1 }, Buffer.alloc(8), order),
      extendedAck.encode({ msg: 'no', offs: 1 }, order),
    ]),
  ];
  return payloads.map((payload, i) =>
    encodeMessage({ type: i === 5 ? 2 : 16 + i, flags: 2, sequence: 1, portId: 1 }, payload, order),
  );
}

/** Sizes that sit on the edges of the checks. */
const EDGES = [0, 1, 3, 4, 5, 15, 16, 17, 0x7f, 0x80, 0xff];

for (const order of ['LE', 'BE'] as const) {
  t.test(`${order}: mutated datagrams`, async (t) => {
    const next = random(SEED);
    const originals = seeds(order);
    for (let round = 0; round < ROUNDS / 2; round++) {
      const parts = Array.from({ length: 1 + next(3) }, () => originals[next(originals.length)]!);
      let data = Buffer.concat(parts);
      for (let count = next(6); count > 0; count--)
        data[next(data.length)] = next(2) ? next(256) : EDGES[next(EDGES.length)]!;
      if (next(4) === 0) data = data.subarray(0, next(data.length + 1));
      try {
        readAll(data, order);
      } catch (error) {
        return t.fail(`round ${round}: ${error}`, { datagram: data.toString('hex') });
      }
    }
    t.pass(`${ROUNDS / 2} rounds`);
  });

  t.test(`${order}: random bytes behind a good header`, async (t) => {
    const next = random(SEED + 1);
    for (let round = 0; round < ROUNDS / 2; round++) {
      const payload = Buffer.from(Array.from({ length: next(96) }, () => (next(3) ? next(8) : next(256))));
      const data =
        next(8) === 0
          ? payload
          : encodeMessage({ type: next(24), flags: next(0x400), sequence: 1 }, payload, order);
      try {
        readAll(data, order);
      } catch (error) {
        return t.fail(`round ${round}: ${error}`, { datagram: data.toString('hex') });
      }
    }
    t.pass(`${ROUNDS / 2} rounds`);
  });
}
