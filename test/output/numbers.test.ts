// SPDX-License-Identifier: MIT
import t from 'tap';
import { abbreviate, fixed, hex, prefixedHex } from '../../src/output/numbers.ts';

t.test('fixed rounds ties to the even digit, as C does', async (t) => {
  for (const [value, places, text] of [
    [0.125, 2, '0.12'],
    [0.375, 2, '0.38'],
    [2.25, 1, '2.2'],
    [2.35, 1, '2.4'], // no tie: the binary value is a little larger
    [0.5, 0, '0'],
    [1.5, 0, '2'],
    [2.675, 2, '2.67'], // no tie: the binary value is a little smaller
    [10.125, 2, '10.12'],
    [16777217, 1, '16777217.0'],
    [0, 2, '0.00'],
    [100, 2, '100.00'],
  ] as const)
    t.equal(fixed(value, places), text, `${value} with ${places}`);
});

t.test('abbreviate', async (t) => {
  for (const [count, text] of [
    [0n, '0'],
    [999n, '999'],
    [1000n, '1.000K'],
    [1005n, '1.005K'],
    [9999n, '9.999K'],
    [10_000n, '10.00K'],
    [10_125n, '10.12K'],
    [12_345n, '12.35K'],
    [99_994n, '99.99K'],
    [99_995n, '100.0K'],
    [655_360n, '655.4K'],
    [999_949n, '999.9K'],
    [999_950n, '1.000M'], // the C suite: " 1000K"
    [9_999_500n, '10.00M'],
    [195_165_752n, '195.2M'],
    [1_124_198_267n, '1.124G'],
    [10n ** 12n, '1.000T'],
    [10n ** 14n, '100.0T'], // the C suite: "  0.1T"
    [10n ** 17n, '100.0P'],
    [0xffff_ffff_ffff_ffffn, '18.45E'],
  ] as const)
    t.equal(abbreviate(count), text, `${count}`);
});

t.test('hexadecimal', async (t) => {
  t.equal(hex(0x100, 8), '00000100');
  t.equal(hex(0xffff_ffff_ffff_ffffn, 16), 'ffffffffffffffff');
  t.equal(prefixedHex(0), '0');
  t.equal(prefixedHex(100), '0x64');
});

t.test('hexadecimal digits of any width', async (t) => {
  for (const value of [
    0, 1, 0xf, 0x10, 0xff, 0x100, 0xffff, 0x1_0000, 0x8000_0001, 0xffff_ffff, 0x1_0000_0000,
  ])
    for (const width of [1, 2, 4, 8, 16]) {
      const text = value.toString(16).padStart(width, '0');
      t.equal(hex(value, width), text);
      t.equal(hex(BigInt(value), width), text);
    }
});
