// SPDX-License-Identifier: MIT
import t from 'tap';
import { stringify } from '../../src/output/json.ts';
import { printable } from '../../src/output/printable.ts';

t.test('names cannot steer the terminal', async (t) => {
  t.equal(printable('a\x1b[31m\0\x7f\x9b\n'), 'a\\x1b[31m\\x00\\x7f\\x9b\\x0a');
  t.equal(printable('mlx5_0 ü 😀 שלום'), 'mlx5_0 ü 😀 שלום');
});

t.test('names cannot turn the direction of a line', async (t) => {
  // property Bidi_Control of PropList.txt of Unicode 16
  for (const [first, last] of [
    [0x061c, 0x061c],
    [0x200e, 0x200f],
    [0x202a, 0x202e],
    [0x2066, 0x2069],
  ] as const)
    for (let code = first; code <= last; code++)
      t.equal(printable(`a${String.fromCharCode(code)}b`), `a\\u${code.toString(16).padStart(4, '0')}b`);
  for (const code of [0x061b, 0x061d, 0x200d, 0x2010, 0x2029, 0x202f, 0x2065, 0x206a])
    t.equal(printable(String.fromCharCode(code)), String.fromCharCode(code), 'others stay');
});

t.test('what is printable stays so', async (t) => {
  const once = printable('\x1b\u202e\\');
  t.equal(printable(once), once);
});

t.test('JSON has the same as escapes, and nothing is lost', async (t) => {
  const names = { 'a\u202e': ['\x1b\x7f\x9b\u061c\u2069', 'ü😀'] };
  const text = stringify(names);
  t.equal(text, '{"a\\u202e":["\\u001b\\u007f\\u009b\\u061c\\u2069","ü😀"]}');
  t.strictSame(JSON.parse(text), names);
});
