// SPDX-License-Identifier: MIT
import t from 'tap';
import { ansiPaint } from '../../src/output/style.ts';
import {
  type Column,
  detailLines,
  documentColumns,
  fitted,
  headerLine,
  type Paint,
  plain,
  rowLine,
  rowObject,
} from '../../src/output/table.ts';

interface Row {
  name: string;
  size: bigint;
}

/** What the columns make. */
interface Document {
  name: string;
  hidden: string | null;
  size: number;
}

const columns = documentColumns<Row, Document>()([
  { key: 'name', header: 'Name   ', text: ({ name }) => name.padEnd(7), json: ({ name }) => name },
  { key: 'hidden', json: () => null },
  { header: 'Size', text: ({ size }) => String(size), style: ({ size }) => (size > 1n ? 'bad' : undefined) },
  { key: 'size', json: ({ size }) => size },
]);
const row = { name: 'a', size: 7n };
const marked: Paint = (style, text) => `<${style}>${text}</>`;

t.test('header and rows; nothing is trimmed', async (t) => {
  t.equal(headerLine(columns), 'Name   Size');
  t.equal(rowLine(columns, row, plain), 'a      7');
  t.equal(rowLine(columns, { name: 'longer-than-7', size: 1n }, plain), 'longer-than-71');
  t.equal(headerLine([]), '');
  t.equal(rowLine([], row, plain), '');
});

t.test('a row may end early', async (t) => {
  t.equal(rowLine(columns, row, plain, 0), 'a      ');
  t.equal(rowLine(columns, row, plain, -1), '');
});

t.test('cells are painted with their padding', async (t) => {
  t.equal(rowLine(columns, row, marked), 'a      <bad>7</>');
  t.equal(rowLine(columns, { name: 'a', size: 1n }, marked), 'a      1');
});

t.test('a style is not asked for where there is no colour', async (t) => {
  const loud: Column<Row>[] = [
    {
      text: () => 'x',
      style: () => {
        throw new Error('asked');
      },
    },
  ];
  t.equal(rowLine(loud, row, plain), 'x');
  t.throws(() => rowLine(loud, row, marked));
});

t.test('objects have the keys in column order', async (t) => {
  t.strictSame(rowObject(columns, row), { name: 'a', hidden: null, size: 7n });
  t.strictSame(Object.keys(rowObject(columns, row)), ['name', 'hidden', 'size']);
});

t.test('what a cell forgot to make printable is so in the line', async (t) => {
  const evil = { name: 'a\x1b[J\u202e', size: 2n };
  t.equal(rowLine(columns, evil, plain), 'a\\x1b[J\\u202e  2');
  t.equal(rowLine(columns, evil, marked), 'a\\x1b[J\\u202e  <bad>2</>');
  const detail: Column<Row>[] = [{ label: 'Name', detail: ({ name }) => name }];
  t.strictSame(detailLines(detail, evil, 5, false), ['Name : a\\x1b[J\\u202e']);
  const [first] = fitted(
    [
      { title: 'Name', text: ({ name }: Row) => name },
      { title: 'x', text: () => 'x' },
    ],
    [evil],
  );
  t.equal(first?.header, 'Name           ', 'as wide as what is shown');
});

t.test('ANSI colours', async (t) => {
  t.equal(ansiPaint('good', 'x'), '\x1b[32mx\x1b[39m');
  t.equal(ansiPaint('bad', 'x'), '\x1b[33mx\x1b[39m');
  t.equal(ansiPaint('info', 'x'), '\x1b[36mx\x1b[39m');
  t.equal(ansiPaint('dim', 'x'), '\x1b[2mx\x1b[22m');
  t.equal(ansiPaint('heading', 'x'), '\x1b[1mx\x1b[22m');
});
