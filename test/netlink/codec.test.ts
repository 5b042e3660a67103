// SPDX-License-Identifier: MIT
import t from 'tap';
import {
  type ByteOrder,
  binary,
  blankPadded,
  byteArray,
  type Codec,
  charArray,
  decodeText,
  hostByteOrder,
  MalformedError,
  s32,
  str,
  u8,
  u16,
  u16be,
  u32,
  u32be,
  u64,
  uint,
} from '../../src/netlink/codec.ts';

const ORDERS: ByteOrder[] = ['LE', 'BE'];

/** Decodes hexadecimal, out of the middle of a larger buffer. */
function decode<T>(codec: Codec<T>, hex: string, order: ByteOrder = 'LE'): T {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const around = Buffer.concat([Buffer.from('aabbcc', 'hex'), bytes, Buffer.from('ddeeff', 'hex')]);
  return codec.decode(around, 3, bytes.length, order);
}

const encode = <T>(codec: Codec<T>, value: T, order: ByteOrder = 'LE'): string =>
  codec.encode(value, order).toString('hex');

t.test('integers: golden bytes in both byte orders', async (t) => {
  const golden = <T>(codec: Codec<T>, value: T, le: string, be: string): void => {
    t.equal(decode(codec, le, 'LE'), value, `${codec.name} LE`);
    t.equal(decode(codec, be, 'BE'), value, `${codec.name} BE`);
    t.equal(encode(codec, value, 'LE'), le);
    t.equal(encode(codec, value, 'BE'), be);
  };
  golden(u8, 0xfe, 'fe', 'fe');
  golden(u16, 0x1234, '3412', '1234');
  golden(u32, 0x12345678, '78563412', '12345678');
  golden(u32, 0xffffffff, 'ffffffff', 'ffffffff');
  golden(s32, -2, 'feffffff', 'fffffffe');
  golden(u64, 0x0123456789abcdefn, 'efcdab8967452301', '0123456789abcdef');
  golden(u64, 0xffffffffffffffffn, 'ffffffffffffffff', 'ffffffffffffffff');
  golden(u16be, 0x1234, '1234', '1234');
  golden(u32be, 0x101, '00000101', '00000101');
});

t.test('the host has one of the two orders', async (t) => {
  t.equal(hostByteOrder, process.config.variables.host_arch === 's390x' ? 'BE' : 'LE');
});

t.test('integers of a wrong size name the type and both sizes', async (t) => {
  for (const codec of [u8, u16, u32, s32, u64, u16be, u32be] as Codec<unknown>[])
    for (const length of [0, 3, 9])
      t.throws(() => decode(codec, '00'.repeat(length)), {
        name: 'MalformedError',
        message: new RegExp(`^${length} bytes, ${codec.name} needs \\d$`),
      });
});

t.test('uint takes 1, 2, 4 and 8 bytes', async (t) => {
  t.equal(decode(uint, 'fe'), 0xfen);
  t.equal(decode(uint, '3412', 'LE'), 0x1234n);
  t.equal(decode(uint, '1234', 'BE'), 0x1234n);
  t.equal(decode(uint, 'ffff0000', 'LE'), 0xffffn);
  t.equal(decode(uint, '0000ffff', 'BE'), 0xffffn);
  t.equal(decode(uint, '0000000001000000', 'LE'), 1n << 32n);
  t.equal(decode(uint, '0000000100000000', 'BE'), 1n << 32n);
  for (const length of [0, 3, 5, 6, 7, 9, 16])
    t.throws(() => decode(uint, '00'.repeat(length)), {
      name: 'MalformedError',
      message: `${length} bytes, uint needs 1, 2, 4 or 8`,
    });
});

t.test('uint is written as the kernel writes NLA_UINT: 4 bytes if they do', async (t) => {
  t.equal(encode(uint, 0xffffffffn), 'ffffffff');
  t.equal(encode(uint, 0x100000000n, 'LE'), '0000000001000000');
  t.equal(encode(uint, 0x100000000n, 'BE'), '0000000100000000');
});

t.test('strings end at the first NUL and need none', async (t) => {
  const name = str(15);
  t.equal(decode(name, '657468300000'), 'eth0');
  t.equal(decode(name, '65746830'), 'eth0', 'no NUL');
  t.equal(decode(name, '6574006830'), 'et', 'inner NUL');
  t.equal(decode(name, ''), '', 'no data');
  t.equal(decode(name, '00'), '');
  t.equal(decode(name, '61'.repeat(40)), 'a'.repeat(40), 'a longer name from a newer kernel is no error');
});

t.test('names are UTF-8, or Latin-1 where they are none', async (t) => {
  const name = str(63);
  t.equal(decode(name, '6dc3bc6c6c00'), 'müll');
  t.equal(decode(name, '6dfc6c6c00'), 'müll');
  t.equal(decode(name, 'f09f988000'), '😀');
  t.equal(decode(name, 'c0af00'), 'À¯', 'an overlong form is not UTF-8');
  t.equal(decode(name, 'e28200'), 'â\x82', 'cut short');
  t.equal(decode(name, 'efbbbf6100'), '\ufeffa', 'nothing is swallowed');
  t.equal(decodeText(Buffer.from('xxab\0cd'), 2, 6), 'ab');
});

t.test('strings on their way out', async (t) => {
  t.equal(encode(str(15), 'eth0'), '6574683000');
  t.equal(encode(str(15), ''), '00');
  t.equal(encode(str(3), 'é'), 'c3a900');
  t.equal(encode(str(4), 'abcd'), '6162636400');
  t.throws(() => encode(str(4), 'abcde'), { name: 'MalformedError', message: '5 bytes, str(4) takes 4' });
  t.throws(
    () => encode(str(4), 'ééé'),
    { message: '6 bytes, str(4) takes 4' },
    'bytes count, not characters',
  );
  t.throws(() => encode(str(4), 'a\0b'), { name: 'MalformedError', message: 'a NUL inside str(4)' });
});

t.test('blank-padded strings: 32 characters and a NUL on the wire', async (t) => {
  const eid = blankPadded(32);
  // the test vector of ADD_UEID
  const wire = '4d592e45494420202020202020202020202020202020202020202020202020 2000'.replace(' ', '');
  t.equal(encode(eid, 'MY.EID'), wire);
  t.equal(eid.encode('MY.EID', 'LE').length, 33);
  t.equal(decode(eid, wire), 'MY.EID');
  t.equal(decode(eid, '00'), '', 'not set');
  t.equal(decode(eid, ''), '');
  t.equal(decode(eid, '2041204200'), ' A B', 'only the padding goes');
  t.equal(encode(eid, 'A'.repeat(32)), `${'41'.repeat(32)}00`);
  t.throws(() => encode(eid, 'A'.repeat(33)), { name: 'MalformedError' });
});

t.test('char arrays have their size, whatever they hold', async (t) => {
  const gid = charArray(8);
  t.equal(decode(gid, '6162000000000000'), 'ab');
  t.equal(decode(gid, '6162636465666768'), 'abcdefgh', 'no room for a NUL');
  t.equal(decode(gid, '6162006465666768'), 'ab');
  t.equal(encode(gid, 'ab'), '6162000000000000');
  t.equal(encode(gid, 'abcdefg'), '6162636465666700');
  t.throws(() => encode(gid, 'abcdefgh'), { name: 'MalformedError', message: /too long for char\[8\]/ });
  t.throws(() => decode(gid, '616200'), { name: 'MalformedError', message: '3 bytes, char[8] needs 8' });
});

t.test('byte arrays', async (t) => {
  t.strictSame([...decode(byteArray(2), '0102')], [1, 2]);
  t.equal(encode(byteArray(2), new Uint8Array([1, 2])), '0102');
  t.throws(() => decode(byteArray(2), '01'), { name: 'MalformedError', message: '1 bytes, u8[2] needs 2' });
  t.throws(() => encode(byteArray(2), new Uint8Array(3)), { name: 'MalformedError' });
  t.strictSame([...decode(binary, 'ff00')], [255, 0]);
  t.equal(decode(binary, '').length, 0);
  t.equal(encode(binary, new Uint8Array([255, 0])), 'ff00');
});

t.test('values keep no reference to the receive buffer', async (t) => {
  const data = Buffer.alloc(32_768, 0x41);
  const array = byteArray(4).decode(data, 8, 4, 'LE');
  const bytes = binary.decode(data, 8, 4, 'LE');
  const text = str(4).decode(data, 8, 4, 'LE');
  data.fill(0);
  t.strictSame([...array], [0x41, 0x41, 0x41, 0x41]);
  t.strictSame([...bytes], [...array]);
  t.equal(text, 'AAAA');
  t.equal(array.buffer.byteLength, 4, 'and none to the memory behind it');
  t.equal(bytes.buffer.byteLength, 4);
});

t.test('round trips', async (t) => {
  for (const order of ORDERS)
    for (const value of [0n, 1n, 0xffn, 0xffffffffn, 1n << 40n, (1n << 64n) - 1n]) {
      t.equal(uint.decode(uint.encode(value, order), 0, value > 0xffffffffn ? 8 : 4, order), value);
      t.equal(u64.decode(u64.encode(value, order), 0, 8, order), value);
    }
});

t.test('MalformedError has its name', async (t) => {
  t.equal(String(new MalformedError('x')), 'MalformedError: x');
});
