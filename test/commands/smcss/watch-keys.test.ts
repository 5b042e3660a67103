// SPDX-License-Identifier: MIT
import t from 'tap';
import { KeyDecoder } from '../../../src/commands/smcss/watch/keys.ts';

/** The keys of texts that come one after the other, and those when nothing follows. */
function keys(...texts: string[]): string[] {
  const decoder = new KeyDecoder();
  return [...texts.flatMap((text) => decoder.push(text)), '|', ...decoder.flush()];
}

t.test('characters and control characters', async (t) => {
  t.strictSame(keys('q /é😀'), ['q', ' ', '/', 'é', '😀', '|']);
  t.strictSame(keys('\r\n\x7f\b\x03\x1a\x15\x17\x0c\x1c\0\x02'), [
    'enter',
    'enter',
    'backspace',
    'backspace',
    'ctrl-c',
    'ctrl-z',
    'ctrl-u',
    'ctrl-w',
    'ctrl-l',
    'ctrl-\\',
    '|',
  ]);
});

t.test('keys of several bytes, in either mode', async (t) => {
  t.strictSame(keys('\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1bOF\x1b[1~\x1b[4~\x1b[3~x'), [
    ...['up', 'down', 'page-up', 'page-down', 'home', 'end', 'home', 'end', 'delete', 'x', '|'],
  ]);
  t.strictSame(keys('\x1b[1;5A\x1b[200~q\x1b[15~'), ['q', '|'], 'unknown ones are left out');
});

t.test('the Escape key, and the beginning of another one', async (t) => {
  t.strictSame(keys('\x1b'), ['|', 'escape']);
  t.strictSame(keys('\x1b', '[', 'A'), ['up', '|']);
  t.strictSame(keys('\x1b[5', '~'), ['page-up', '|']);
  t.strictSame(keys('\x1b['), ['|']);
  t.strictSame(keys('\x1bq'), ['escape', 'q', '|']);
  t.strictSame(keys('\x1b\x1b[A'), ['escape', 'up', '|']);
  const decoder = new KeyDecoder();
  decoder.push('\x1b');
  t.ok(decoder.isPending);
  decoder.flush();
  t.notOk(decoder.isPending);
});
