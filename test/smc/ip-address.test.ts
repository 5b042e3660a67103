// SPDX-License-Identifier: MIT
import t from 'tap';
import { formatIpv4, formatIpv6 } from '../../src/smc/ip-address.ts';

/** 16 bytes from eight groups. */
function groups(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  text.split(' ').forEach((group, i) => {
    const value = Number.parseInt(group, 16);
    bytes[2 * i] = value >> 8;
    bytes[2 * i + 1] = value & 0xff;
  });
  return bytes;
}

t.test('IPv4', async (t) => {
  t.equal(formatIpv4(new Uint8Array([10, 0, 0, 1])), '10.0.0.1');
  t.equal(formatIpv4(new Uint8Array([255, 255, 255, 255, 9])), '255.255.255.255');
  t.equal(formatIpv4(new Uint8Array([9, 9, 192, 168, 1, 10]), 2), '192.168.1.10');
});

t.test('IPv6 as glibc writes it', async (t) => {
  const vectors: Record<string, string> = {
    '0 0 0 0 0 0 0 0': '::',
    '0 0 0 0 0 0 0 1': '::1',
    '0 0 0 0 0 0 0 2': '::2',
    '0 0 0 0 0 0 1 2': '::0.1.0.2',
    '0 0 0 0 0 0 a00 1': '::10.0.0.1',
    '0 0 0 0 0 ffff c0a8 10a': '::ffff:192.168.1.10',
    '0 0 0 0 0 ffff 0 1': '::ffff:0.0.0.1',
    '0 0 0 0 0 ffff 0 0': '::ffff:0.0.0.0',
    '0 0 0 0 0 fffe c0a8 10a': '::fffe:c0a8:10a',
    '0 0 0 0 ffff 0 c0a8 10a': '::ffff:0:c0a8:10a',
    '0 0 0 0 1 ffff c0a8 10a': '::1:ffff:c0a8:10a',
    '2001 db8 0 0 1 0 0 1': '2001:db8::1:0:0:1',
    '2001 0 0 1 0 0 0 1': '2001:0:0:1::1',
    '1 0 3 4 5 6 7 8': '1:0:3:4:5:6:7:8',
    '0 2 3 4 5 6 7 8': '0:2:3:4:5:6:7:8',
    '1 2 3 4 5 6 7 0': '1:2:3:4:5:6:7:0',
    '1 2 3 4 5 6 0 0': '1:2:3:4:5:6::',
    '0 0 3 4 5 6 7 8': '::3:4:5:6:7:8',
    '0 0 3 4 5 6 0 0': '::3:4:5:6:0:0',
    '64 ff9b 0 0 0 0 102 304': '64:ff9b::102:304',
    'fe80 0 0 0 211 22ff fe33 4455': 'fe80::211:22ff:fe33:4455',
    'ABCD EF01 2345 6789 ABCD EF01 2345 6789': 'abcd:ef01:2345:6789:abcd:ef01:2345:6789',
    '0 1 0 1 0 1 0 1': '0:1:0:1:0:1:0:1',
    '2001 0 0 0 0 0 0 0': '2001::',
  };
  for (const [input, text] of Object.entries(vectors)) t.equal(formatIpv6(groups(input)), text, input);
});
