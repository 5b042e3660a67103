// SPDX-License-Identifier: MIT
import t from 'tap';
import {
  type ByteOrder,
  blankPadded,
  byteArray,
  charArray,
  str,
  u8,
  u16,
  u32,
  u64,
  uint,
} from '../../src/netlink/codec.ts';
import { align4, attrs, extended, indexed, rawAttributes, struct } from '../../src/netlink/schema.ts';
import { inetDiagMessage, inetDiagRequest } from '../../src/netlink/uapi/inet-diag.ts';
import { controller } from '../../src/netlink/uapi/netlink.ts';
import { devSmcr, lgrSmcd, lgrSmcr, linkSmcr, smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import {
  connectionInfo,
  dmbInfo,
  fallbackInfo,
  linkInfo,
  smcDiagAttributes,
  smcDiagMessage,
  smcDiagRequest,
  sockId,
} from '../../src/netlink/uapi/smc-diag.ts';

const ORDERS: ByteOrder[] = ['LE', 'BE'];

const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex');

function decode<T>(
  codec: { decode(data: Buffer, offset: number, length: number, order: ByteOrder): T },
  hex: string,
  order: ByteOrder = 'LE',
): T {
  const data = bytes(hex);
  return codec.decode(data, 0, data.length, order);
}

const thing = attrs('THING', {
  id: [1, u32, 'required'],
  name: [2, str(15)],
  zero: [0, u8],
  port: [3, attrs('PORT', { state: [4, u8], count: [6, u32] })],
  tags: [5, str(7), 'list'],
});

t.test('align4', async (t) => {
  t.strictSame([0, 1, 3, 4, 5, 8].map(align4), [0, 4, 4, 4, 8, 8]);
});

t.test('golden bytes of an attribute set, both byte orders', async (t) => {
  const value = { id: 0x01020304, name: 'eth0', zero: 7, port: { state: 1, count: 2 }, tags: ['a', 'b'] };
  const le = `08000100 04030201  09000200 65746830 00000000  05000000 07000000
    14000380 05000400 01000000 08000600 02000000  06000500 61000000  06000500 62000000`;
  const be = `00080001 01020304  00090002 65746830 00000000  00050000 07000000
    00148003 00050004 01000000 00080006 00000002  00060005 61000000  00060005 62000000`;
  t.equal(thing.encode(value, 'LE').toString('hex'), bytes(le).toString('hex'));
  t.equal(thing.encode(value, 'BE').toString('hex'), bytes(be).toString('hex'));
  t.strictSame(decode(thing, le, 'LE'), value);
  t.strictSame(decode(thing, be, 'BE'), value);
});

t.test('absent attributes are absent, an empty list is empty', async (t) => {
  const value = decode(thing, '08000100 01000000');
  t.strictSame(value, { tags: [], id: 1 });
  t.notOk('name' in value);
  t.equal(thing.encode({ id: 1, tags: [] }, 'LE').length, 8);
});

t.test('a missing required attribute is named', async (t) => {
  t.throws(() => decode(thing, ''), { name: 'MalformedError', message: 'THING.id (attribute 1) is missing' });
  t.equal(decode(thing, '08000100 00000000').id, 0, '0 is not missing');
});

t.test('attribute id 0 is an attribute like any other', async (t) => {
  t.equal(decode(thing, '08000100 01000000 05000000 09000000').zero, 9);
});

t.test('the flag bits are no part of the id', async (t) => {
  for (const type of ['0100', '0180', '0140', '01c0'])
    t.equal(decode(thing, `0800${type} 2a000000`).id, 42, type);
  for (const type of ['0001', '8001', '4001', 'c001'])
    t.equal(decode(thing, `0008${type} 0000002a`, 'BE').id, 42, type);
  t.strictSame(
    decode(thing, '08000100 01000000 0c000300 05000400 01000000').port,
    { state: 1 },
    'nest without its flag',
  );
});

t.test('pads and unknown attributes are skipped', async (t) => {
  const value = decode(
    thing,
    `04000a00  08000100 01000000  0c006300 ffffffff ffffffff  0400ff3f
     10000380 04000000 05000400 03000000`,
  );
  t.strictSame(value, { tags: [], id: 1, port: { state: 3 } });
});

t.test('of repeated attributes the last one counts, in a list all', async (t) => {
  t.equal(decode(thing, '08000100 01000000 08000100 02000000').id, 2);
  t.strictSame(decode(thing, '08000100 01000000 06000500 61000000 06000500 62000000').tags, ['a', 'b']);
});

t.test('a wrong size names set, field and attribute number, at every depth', async (t) => {
  t.throws(() => decode(thing, '06000100 01000000'), {
    name: 'MalformedError',
    message: 'THING.id (attribute 1): 2 bytes, u32 needs 4',
  });
  t.throws(() => decode(thing, '04000100'), { message: 'THING.id (attribute 1): 0 bytes, u32 needs 4' });
  t.throws(() => decode(thing, '10000380 0c000600 00000000 00000000'), {
    name: 'MalformedError',
    message: 'THING.port (attribute 3): PORT.count (attribute 6): 8 bytes, u32 needs 4',
  });
});

t.test('an attribute that claims more than there is', async (t) => {
  t.throws(() => decode(thing, '08000100 010000'), {
    name: 'MalformedError',
    message: 'attribute 1 claims 8 bytes, 7 are there',
  });
  t.throws(() => decode(thing, 'ffff0180 00000000'), {
    message: 'attribute 1 claims 65535 bytes, 8 are there',
  });
  t.throws(
    () => decode(thing, '03000100'),
    { message: 'attribute 1 claims 3 bytes, 4 are there' },
    'or less than its header',
  );
  t.throws(() => decode(thing, '00000000'), { name: 'MalformedError' }, 'no endless loop');
  t.throws(
    () => decode(thing, '0c000380 0c000400 01000000 08000100 01000000'),
    { message: 'THING.port (attribute 3): attribute 4 claims 12 bytes, 8 are there' },
    'a nest ends where it ends, even if data follow',
  );
});

t.test('up to three bytes at the end are padding', async (t) => {
  for (const rest of ['', '00', '0000', '000000']) t.equal(decode(thing, `08000100 01000000 ${rest}`).id, 1);
  t.equal(decode(thing, '08000100 01000000 05000000 07').zero, 7, 'the last one need not be padded');
});

t.test('rawAttributes stays inside its window', async (t) => {
  const data = bytes('ffffffff 05000100 01000000 04000200 ffffffff');
  t.strictSame(
    [...rawAttributes(data, 4, 12, 'LE')],
    [
      { id: 1, offset: 8, length: 1 },
      { id: 2, offset: 16, length: 0 },
    ],
  );
});

t.test('indexed nests', async (t) => {
  const list = attrs('L', { items: [6, indexed(attrs('ITEM', { id: [1, u32, 'required'] }))] });
  const hex = `1c000680 0c000180 08000100 05000000  0c000280 08000100 06000000`;
  t.strictSame(decode(list, hex), { items: [{ id: 5 }, { id: 6 }] });
  t.equal(list.encode({ items: [{ id: 5 }, { id: 6 }] }, 'LE').toString('hex'), bytes(hex).toString('hex'));
  t.strictSame(decode(list, '04000680'), { items: [] });
  t.throws(() => decode(list, '0c000680 08000180 05000100'), {
    name: 'MalformedError',
    message: /^L\.items \(attribute 6\)/,
  });
});

t.test('structs are laid out as the compiler does', async (t) => {
  const mixed = struct('mixed', { a: u8, b: u32, c: u16, d: u64, e: u8 });
  t.strictSame(mixed.offsets, { a: 0, b: 4, c: 8, d: 16, e: 24 });
  t.equal(mixed.size, 32);
  t.equal(mixed.align, 8);
  const packed = struct('packed', { a: u8, name: charArray(3), b: byteArray(2) });
  t.equal(packed.size, 6);
  const outer = struct('outer', { x: u8, inner: struct('inner', { y: u32 }) });
  t.strictSame(outer.offsets, { x: 0, inner: 4 });
  t.strictSame(decode(outer, '01000000 02000000'), { x: 1, inner: { y: 2 } });
});

t.test('sizes and offsets of the kernel structs', async (t) => {
  // checked against the headers of 6.1 and 6.12 by compiling
  const sizes = {
    sockId,
    smcDiagRequest,
    smcDiagMessage,
    connectionInfo,
    linkInfo,
    dmbInfo,
    fallbackInfo,
    inetDiagRequest,
  };
  t.strictSame(Object.fromEntries(Object.entries(sizes).map(([name, { size }]) => [name, size])), {
    sockId: 48,
    smcDiagRequest: 52,
    smcDiagMessage: 64,
    connectionInfo: 76,
    linkInfo: 147,
    dmbInfo: 40,
    fallbackInfo: 8,
    inetDiagRequest: 56,
  });
  t.strictSame(smcDiagMessage.offsets, {
    family: 0,
    state: 1,
    mode: 2,
    shutdown: 3,
    id: 4,
    uid: 52,
    inode: 56,
  });
  t.strictSame(sockId.offsets, {
    sourcePort: 0,
    destinationPort: 2,
    source: 4,
    destination: 20,
    interface: 36,
    cookieLow: 40,
    cookieHigh: 44,
  });
  t.equal(smcDiagRequest.offsets.extensions, 3);
  t.equal(inetDiagRequest.offsets.states, 4);
  t.equal(inetDiagMessage.offsets.id, 4);
  t.strictSame(
    [
      linkInfo.offsets.ibName,
      linkInfo.offsets.ibPort,
      linkInfo.offsets.gid,
      linkInfo.offsets.peerGid,
      linkInfo.offsets.role,
    ],
    [1, 65, 66, 106, 146],
  );
  t.strictSame([connectionInfo.offsets.rxProdFlags, connectionInfo.offsets.txPrep], [48, 52]);
});

t.test('a struct may be longer, not shorter', async (t) => {
  const pair = struct('pair', { a: u16, b: u8 });
  t.equal(pair.size, 4);
  t.strictSame(decode(pair, '0100 02 ff ffffffff'), { a: 1, b: 2 });
  t.strictSame(decode(pair, '0100 02'), { a: 1, b: 2 }, 'the padding at the end may be missing');
  t.throws(() => decode(pair, '0100'), { name: 'MalformedError', message: '2 bytes, struct pair needs 3' });
});

t.test('extended structs', async (t) => {
  const x = extended(struct('base', { a: u32 }), struct('more', { b: u32, c: u32 }));
  t.strictSame(decode(x, '01000000'), { a: 1 });
  t.strictSame(decode(x, '01000000 02000000'), { a: 1 }, 'half an extension is none');
  t.strictSame(decode(x, '01000000 02000000 03000000'), { a: 1, b: 2, c: 3 });
  t.strictSame(decode(x, '01000000 02000000 03000000 04000000'), { a: 1, b: 2, c: 3 });
  t.throws(() => decode(x, '0100'), { name: 'MalformedError' });
  t.equal(x.encode({ a: 1 }, 'LE').length, 4);
  t.equal(x.encode({ a: 1, b: 2, c: 3 }, 'BE').toString('hex'), '000000010000000200000003');
});

t.test('round trips of everything at once, both byte orders', async (t) => {
  const all = attrs('ALL', {
    small: [1, u8],
    half: [2, u16, 'required'],
    big: [3, u64],
    any: [4, uint],
    eid: [5, blankPadded(32)],
    struct: [6, struct('s', { a: u8, b: u64 })],
    nest: [7, thing],
    nests: [8, thing, 'list'],
  });
  const value = {
    nests: [
      { id: 2, tags: [] },
      { id: 3, tags: ['x'] },
    ],
    small: 255,
    half: 65535,
    big: (1n << 64n) - 1n,
    any: 1n << 33n,
    eid: 'MY.EID',
    struct: { a: 1, b: 2n },
    nest: { id: 1, name: 'ü', tags: ['a'] },
  };
  for (const order of ORDERS) {
    const data = all.encode(value, order);
    t.strictSame(all.decode(data, 0, data.length, order), value);
    t.equal(data.length % 4, 0);
  }
});

t.test('replies of real kernels (6.12, little endian)', async (t) => {
  const pad = (text: string): string =>
    Buffer.from(`${text.padEnd(32)}\0`)
      .toString('hex')
      .padEnd(72, '0');
  t.strictSame(
    decode(
      smcPnetid.GET.reply,
      '09000100 4e455431 00000000 07000200 64300000 08000300 6e2f6100 05000400 ff000000',
    ),
    { name: 'NET1', ethName: 'd0', ibName: 'n/a', ibPort: 255 },
  );
  t.strictSame(
    decode(
      smcGenNetlink.GET_DEV_SMCR.reply,
      `50000680 05000200 00000000 09000a00 72786530 00000000
       38000880 05000100 01000000 09000200 4e455431 00000000 08000300 04000000 05000500 01000000
       05000400 01000000 08000600 00000000`,
    ),
    {
      devSmcr: {
        isCritical: 0,
        ibName: 'rxe0',
        port: { pnetUser: 1, pnetId: 'NET1', netDev: 4, valid: 1, state: 1, linkCount: 0 },
      },
    },
  );
  t.strictSame(
    decode(
      lgrSmcr,
      `08000100 00010000 08000600 01000000 05000200 01000000 05000300 00000000 05000b00 00000000
       05000500 00000000 0c000900 01000000 00000000 09000400 4e455431 00000000 08000c00 00000100
       08000d00 00000100
       6c000780 05000000 02000000 05000100 01000000 05000200 02000000 25000400 ${pad('(none)')}
                25000300 ${pad('TEST.UEID')}
       1c000880 05000100 01000000 05000200 ff000000 05000300 02000000`,
    ),
    {
      id: 256,
      connsNum: 1,
      role: 1,
      type: 0,
      bufType: 0,
      vlanId: 0,
      netCookie: 1n,
      pnetId: 'NET1',
      sndbufAlloc: 65536n,
      rmbAlloc: 65536n,
      v2Common: { version: 2, release: 1, peerOs: 2, peerHost: '(none)', negotiatedEid: 'TEST.UEID' },
      v2: { direct: 1, maxConns: 255, maxLinks: 2 },
    },
  );
  t.match(decode(linkSmcr, '05000100 01000000 08000a00 02000000 08000800 00000101'), {
    id: 1,
    state: 2,
    uid: 0x101,
  });
  t.match(
    decode(lgrSmcd, `08000100 00010000 0c000200 9ef91a63 83e04452 08000700 ffff0000 08000d00 00000700`),
    { id: 256, gid: 0x5244e083631af99en, chid: 0xffffn, dmbAlloc: 0x70000n },
  );
  t.match(
    decode(lgrSmcd, '08000100 00010000 06000700 ffff0000'),
    { chid: 0xffffn },
    'CHID as the header has it, u16',
  );
  t.throws(() => decode(devSmcr, ''), { message: 'DEV_SMCR.ibName (attribute 10) is missing' });
});

t.test('diag attributes of real kernels', async (t) => {
  t.strictSame(decode(smcDiagAttributes, '05000300 03000000 0c000500 00000005 00000303'), {
    shutdown: 3,
    fallback: { reason: 0x05000000, peerDiagnosis: 0x03030000 },
  });
  const cursor = (wrap: number, count: number): object => ({ reserved: 0, wrap, count });
  t.strictSame(
    decode(
      connectionInfo,
      `01000000 e0ff0000 e0ff0000 e0ff0000 00000000 05000000 00000000 00000000 00000000
       00000000 00000000 05000000 00000000 ${'00'.repeat(24)}`,
    ),
    {
      token: 1,
      sndbufSize: 65504,
      rmbeSize: 65504,
      peerRmbeSize: 65504,
      rxProd: cursor(0, 5),
      rxCons: cursor(0, 0),
      txProd: cursor(0, 0),
      txCons: cursor(0, 5),
      rxProdFlags: 0,
      rxConnStateFlags: 0,
      txProdFlags: 0,
      txConnStateFlags: 0,
      txPrep: cursor(0, 0),
      txSent: cursor(0, 0),
      txFin: cursor(0, 0),
    },
  );
  const dmb = `00010000 00000000 9ef91a6383e04452 9ef91a6383e04452 dabbdaf66da670f7 959b79209c00732d`;
  const old = {
    linkId: 0x100,
    peerGid: 0x5244e083631af99en,
    myGid: 0x5244e083631af99en,
    token: 0xf770a66df6dabbdan,
    peerToken: 0x2d73009c20799b95n,
  };
  t.strictSame(decode(smcDiagAttributes, `2c000400 ${dmb}`), { dmb: old }, 'up to 6.7');
  t.strictSame(
    decode(smcDiagAttributes, `3c000400 ${dmb} 94cbeffcc9c8d462 94cbeffcc9c8d462`),
    { dmb: { ...old, peerGidExt: 0x62d4c8c9fcefcb94n, myGidExt: 0x62d4c8c9fcefcb94n } },
    'since 6.8',
  );
});

t.test('the controller’s reply', async (t) => {
  t.strictSame(
    decode(
      controller,
      `0f000200 534d435f 504e4554 49440000 06000100 24000000 08000300 01000000 08000400 00000000 08000500 04000000
       18000680 14000180 08000100 01000000 08000200 0c000000`,
    ),
    {
      familyName: 'SMC_PNETID',
      familyId: 0x24,
      version: 1,
      maxAttr: 4,
      operations: [{ id: 1, flags: 12 }],
    },
  );
});
