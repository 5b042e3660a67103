// SPDX-License-Identifier: MIT
import t from 'tap';
import { grid } from '../../src/output/grid.ts';

const visible = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\x1b\[[0-9;]*m/g, ''));

t.test('as wide as what is in it', async (t) => {
  t.strictSame(visible(grid(['a', 'b'], [['one', 'two']], 80)), [
    '┌─────┬─────┐',
    '│ a   │ b   │',
    '├─────┼─────┤',
    '│ one │ two │',
    '└─────┴─────┘',
  ]);
});

t.test('the widest column gives way, at blanks', async (t) => {
  const text = 'some words that do not fit into a narrow terminal';
  const lines = visible(grid(['id', 'finding'], [['x', text]], 40));
  for (const line of lines) t.ok(line.length <= 40, line);
  t.ok(lines.length > 5);
  const words = lines.slice(3, -1).map((line) => line.split('│')[2]!.trim());
  t.equal(words.join(' '), text);
});

t.test('colours take no room', async (t) => {
  const [red, plain] = ['\x1b[31mred\x1b[39m', 'red'].map((cell) => grid(['a'], [[cell]], 80));
  t.ok(red!.includes('\x1b[31mred\x1b[39m'));
  t.strictSame(visible(red!), visible(plain!));
});

t.test('lines of their own in a cell', async (t) => {
  t.strictSame(visible(grid(['a'], [['one\ntwo']], 80)).slice(3, 5), ['│ one │', '│ two │']);
});

t.test('no rows, and a terminal that is too narrow for anything', async (t) => {
  t.equal(visible(grid(['a'], [], 80)).length, 3);
  t.ok(grid(['first', 'second'], [['x'.repeat(50), 'y'.repeat(50)]], 10).length > 0);
});
