// SPDX-License-Identifier: MIT
import t from 'tap';
import { type ByteOrder, MalformedError } from '../../src/netlink/codec.ts';
import { genlHeader } from '../../src/netlink/genetlink.ts';
import { encodeMessage, HEADER_SIZE, type Message, messages, readStatus } from '../../src/netlink/message.ts';
import { controller, extendedAck } from '../../src/netlink/uapi/netlink.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { smcDiagRequest } from '../../src/netlink/uapi/smc-diag.ts';
import { smcSocketRequest } from '../../src/smc/sockets.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex');
const all = (data: Buffer, order: ByteOrder): Message[] => [...messages(data, order)];

/** Request of a generic netlink command. */
function genl(type: number, flags: number, sequence: number, command: number, attributes: Buffer): string {
  const header = genlHeader.encode({ command, version: 1, reserved: 0 }, 'LE');
  return encodeMessage({ type, flags, sequence }, Buffer.concat([header, attributes]), 'LE').toString('hex');
}

t.test('golden requests', async (t) => {
  const hex = (text: string): string => bytes(text).toString('hex');
  t.equal(
    genl(0x10, 0x5, 1, 3, controller.encode({ familyName: 'SMC_PNETID' }, 'LE')),
    hex('24000000 10000500 01000000 00000000 03010000 0f000200 534d435f 504e4554 49440000'),
    'GETFAMILY SMC_PNETID',
  );
  t.equal(
    genl(
      0x24,
      0x5,
      2,
      smcPnetid.ADD.id,
      smcPnetid.ADD.request.encode({ name: 'NET1', ethName: 'eth0', ibName: 'mlx5_0', ibPort: 1 }, 'LE'),
    ),
    hex(`40000000 24000500 02000000 00000000 02010000 09000100 4e455431 00000000 09000200 65746830 00000000
      0b000300 6d6c7835 5f300000 05000400 01000000`),
    'PNETID ADD',
  );
  t.equal(
    genl(0x23, 0x301, 3, smcGenNetlink.GET_DEV_SMCD.id, Buffer.alloc(0)),
    hex('14000000 23000103 03000000 00000000 05010000'),
    'GET_DEV_SMCD',
  );
  const details = { connection: true, link: true, dmb: true };
  t.equal(
    encodeMessage(
      { type: 20, flags: 0x301, sequence: 5 },
      smcDiagRequest.encode(smcSocketRequest(details), 'LE'),
      'LE',
    ).toString('hex'),
    hex(`44000000 14000103 05000000 00000000 2b00000b ${'00'.repeat(48)}`),
    'SMC socket dump',
  );
  t.equal(
    encodeMessage(
      { type: 20, flags: 0x301, sequence: 5 },
      smcDiagRequest.encode(smcSocketRequest({ link: true }), 'BE'),
      'BE',
    ).toString('hex'),
    hex(`00000044 00140301 00000005 00000000 2b000002 ${'00'.repeat(48)}`),
    'and as s390x sends it',
  );
});

t.test('headers in both byte orders; the padding is not counted', async (t) => {
  const header = { type: 0x1122, flags: 0x3344, sequence: 0x55667788, portId: 0x99aabbcc };
  const payload = bytes('0102030405');
  const le = encodeMessage(header, payload, 'LE');
  const be = encodeMessage(header, payload, 'BE');
  t.equal(le.toString('hex'), '15000000221144338877665 5ccbbaa990102030405000000'.replace(' ', ''));
  t.equal(be.toString('hex'), '00000015112233445566778899aabbcc0102030405000000');
  for (const [order, data] of [
    ['LE', le],
    ['BE', be],
  ] as const) {
    const [message, ...more] = all(data, order);
    t.match(message, { ...header, offset: HEADER_SIZE, length: 5 });
    t.equal(message?.data, data);
    t.strictSame(more, []);
  }
});

t.test('several messages in one datagram', async (t) => {
  const one = (type: number, size: number): Buffer =>
    encodeMessage({ type, flags: 0, sequence: 1 }, Buffer.alloc(size), 'LE');
  const found = all(Buffer.concat([one(1, 5), one(2, 0), one(3, 8)]), 'LE');
  t.strictSame(
    found.map(({ type, offset, length }) => [type, offset, length]),
    [
      [1, 16, 5],
      [2, 40, 0],
      [3, 56, 8],
    ],
  );
  t.strictSame(all(Buffer.alloc(0), 'LE'), []);
});

t.test('the last message need not be padded', async (t) => {
  const data = encodeMessage({ type: 1, flags: 0, sequence: 1 }, Buffer.alloc(5), 'LE').subarray(0, 21);
  t.equal(all(data, 'LE')[0]?.length, 5);
});

t.test('cut short', async (t) => {
  const data = encodeMessage({ type: 20, flags: 0, sequence: 1 }, Buffer.alloc(20), 'LE');
  for (let length = 1; length < data.length; length++)
    t.throws(() => all(data.subarray(0, length), 'LE'), MalformedError, `${length} of ${data.length} bytes`);
  t.throws(() => all(Buffer.concat([data, Buffer.alloc(3)]), 'LE'), {
    message: '3 bytes left over after the last message',
  });
  t.throws(() => all(Buffer.concat([data, Buffer.alloc(16)]), 'LE'), {
    message: 'message claims 0 bytes, 16 are there',
  });
  t.throws(() => all(bytes('ffffffff 14000000 00000000 00000000'), 'LE'), {
    message: 'message claims 4294967295 bytes, 16 are there',
  });
  t.throws(() => all(data, 'BE'), MalformedError, 'in the other byte order');
});

t.test('what stands before the damage is given out', async (t) => {
  const good = encodeMessage({ type: 20, flags: 0, sequence: 1 }, Buffer.alloc(4), 'LE');
  const walk = messages(Buffer.concat([good, Buffer.alloc(16)]), 'LE');
  t.equal(walk.next().value?.type, 20);
  t.throws(() => walk.next(), MalformedError);
});

/** A status message with everything spelled. */
function statusOf(
  order: ByteOrder,
  type: number,
  flags: number,
  payload: Buffer,
): ReturnType<typeof readStatus> {
  const data = encodeMessage({ type, flags, sequence: 1 }, payload, order);
  return readStatus(all(data, order)[0]!, order);
}

const ERROR = 2;
const DONE = 3;
const CAPPED = 0x100;
const ACK_TLVS = 0x200;
const MULTI = 0x2;

function errno(order: ByteOrder, value: number): Buffer {
  const data = Buffer.alloc(4);
  if (order === 'LE') data.writeInt32LE(value);
  else data.writeInt32BE(value);
  return data;
}

for (const order of ['LE', 'BE'] as const) {
  t.test(`${order}: status of ERROR and DONE`, async (t) => {
    const echo = encodeMessage({ type: 0x24, flags: 5, sequence: 1 }, Buffer.alloc(0), order);
    t.strictSame(statusOf(order, ERROR, 0, Buffer.concat([errno(order, -1), echo])), { errno: 1 });
    t.strictSame(statusOf(order, ERROR, CAPPED, Buffer.concat([errno(order, 0), echo])), { errno: 0 });
    t.strictSame(statusOf(order, DONE, MULTI, errno(order, 0)), { errno: 0 });
    t.strictSame(statusOf(order, DONE, MULTI, errno(order, -90)), { errno: 90 });
    t.strictSame(statusOf(order, DONE, MULTI, errno(order, -4095)), { errno: 4095 }, 'the largest errno');
    for (const [type, name] of [
      [ERROR, 'ERROR'],
      [DONE, 'DONE'],
    ] as const) {
      for (const value of [1, 17, 0x7fff_ffff, -4096, -0x8000_0000])
        t.throws(() => statusOf(order, type, 0, Buffer.concat([errno(order, value), echo])), {
          name: 'MalformedError',
          message: `${name} with ${value}, which is not an errno`,
        });
      for (const length of [0, 3])
        t.throws(() => statusOf(order, type, 0, Buffer.alloc(length)), {
          name: 'MalformedError',
          message: `${name} with ${length} bytes, 4 are needed`,
        });
    }
  });

  t.test(`${order}: extended acknowledgements`, async (t) => {
    const text = 'Attribute failed policy validation';
    const tlvs = extendedAck.encode({ msg: text, offs: 20 }, order);
    const request = encodeMessage({ type: 0x24, flags: 5, sequence: 1 }, Buffer.alloc(21), order);
    const parts = (echo: Buffer): Buffer => Buffer.concat([errno(order, -22), echo, tlvs]);
    const expected = { errno: 22, kernelMessage: text };
    t.strictSame(
      statusOf(order, ERROR, ACK_TLVS, parts(request)),
      expected,
      'behind the whole request, padded',
    );
    t.strictSame(
      statusOf(order, ERROR, ACK_TLVS | CAPPED, parts(request.subarray(0, 16))),
      expected,
      'behind its header',
    );
    t.strictSame(
      statusOf(order, DONE, ACK_TLVS | MULTI, Buffer.concat([errno(order, -22), tlvs])),
      expected,
      'DONE echoes nothing',
    );
    t.strictSame(statusOf(order, ERROR, 0, parts(request)), { errno: 22 }, 'without the flag there are none');
    const warning = Buffer.concat([errno(order, 0), request.subarray(0, 16), tlvs]);
    t.strictSame(
      statusOf(order, ERROR, ACK_TLVS | CAPPED, warning),
      { errno: 0, kernelMessage: text },
      'a warning on success',
    );
    const noText = Buffer.concat([
      errno(order, -22),
      request.subarray(0, 16),
      extendedAck.encode({ offs: 4 }, order),
    ]);
    t.strictSame(statusOf(order, ERROR, ACK_TLVS | CAPPED, noText), { errno: 22 });
    t.strictSame(statusOf(order, ERROR, ACK_TLVS, errno(order, -22)), { errno: 22 }, 'no echo at all');
    const damaged = Buffer.concat([errno(order, -22), request.subarray(0, 16), Buffer.alloc(8, 0xff)]);
    t.strictSame(statusOf(order, ERROR, ACK_TLVS | CAPPED, damaged), { errno: 22 }, 'a damaged text');
  });

  t.test(`${order}: an echo that lies about its length does not hide the errno`, async (t) => {
    for (const claimed of [0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff]) {
      const echo = Buffer.alloc(16);
      if (order === 'LE') echo.writeUInt32LE(claimed);
      else echo.writeUInt32BE(claimed);
      t.strictSame(
        statusOf(order, ERROR, ACK_TLVS, Buffer.concat([errno(order, -1), echo, Buffer.alloc(12, 0xff)])),
        { errno: 1 },
        claimed.toString(16),
      );
    }
  });
}
