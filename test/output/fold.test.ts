// SPDX-License-Identifier: MIT
import t from 'tap';
import { tableLines } from '../../src/output/fold.ts';
import { type Column, type Paint, plain } from '../../src/output/table.ts';

interface Row {
  name: string;
  note?: string;
  number: string;
}

const columns: Column<Row>[] = [
  { header: 'Name      ', text: ({ name }) => name.padEnd(10) },
  { key: 'hidden', json: () => null },
  {
    header: 'Number    ',
    text: ({ number }) => `${number.padEnd(9)} `,
    style: ({ number }) => (number === '13' ? 'bad' : undefined),
  },
  { text: ({ note = '' }) => note },
];
const row = { name: 'a', number: '123456789' };
const noted = { ...row, note: 'since 2001' };
const marked: Paint = (style, text) => `<${style}>${text}</>`;

t.test('as it is, where it fits, and where no width is known', async (t) => {
  for (const width of [undefined, 0, 30, 200]) {
    const table = tableLines(columns, plain, width);
    t.equal(table.header, 'Name      Number    ', `width ${width}`);
    t.equal(table.row(row), 'a         123456789 ');
    t.equal(table.row(noted), 'a         123456789 since 2001');
    t.equal(table.row(noted, 0), 'a         ');
    t.equal(table.row(noted, -1), '');
  }
});

t.test('blanks at the end never make a line of their own', async (t) => {
  const table = tableLines(columns, plain, 19);
  t.equal(table.header, 'Name      Number');
  t.equal(table.row(row), 'a         123456789');
});

t.test('one row that is wider than the header', async (t) => {
  const table = tableLines(columns, plain, 29);
  t.equal(table.row(row), 'a         123456789 ');
  t.equal(table.row(noted), 'a         123456789\n  since 2001');
});

t.test('header and rows are broken at the same place', async (t) => {
  const table = tableLines(columns, plain, 15);
  t.equal(table.header, 'Name\n  Number');
  t.equal(table.row({ name: 'a', number: '1' }), 'a\n  1', 'also a row that would fit');
  t.equal(table.row(noted), 'a\n  123456789\n  since 2001');
  t.equal(table.row({ name: 'a', number: '' }), 'a', 'no line for nothing');
  t.equal(table.row({ name: '', number: '1' }), '\n  1', 'a row begins where rows begin');
  t.equal(table.row(noted, 1), 'a', 'a row may end early');
});

t.test('the indentation gives way before a cell does', async (t) => {
  t.equal(tableLines(columns, plain, 10).row(row), 'a\n 123456789');
  t.equal(tableLines(columns, plain, 9).row(row), 'a\n123456789');
  t.equal(tableLines(columns, plain, 5).row(row), 'a\n123456789', 'what fits nowhere stays whole');
});

t.test('columns are as wide as rows that are known', async (t) => {
  const rows = [{ name: 'a', number: '1' }, noted];
  const table = tableLines(columns, plain, 25, rows);
  t.equal(table.header, 'Name      Number');
  t.strictSame(
    rows.map((each) => table.row(each)),
    ['a         1', 'a         123456789\n  since 2001'],
  );
});

t.test('a width that neither header nor rows tell', async (t) => {
  const table = tableLines(
    [columns[0]!, { header: 'Id', text: ({ number }: Row) => number, width: 9 }],
    plain,
    18,
  );
  t.equal(table.header, 'Name\n  Id');
  t.equal(table.row(row), 'a\n  123456789');
});

t.test('colours take no room, and each line has its own', async (t) => {
  const table = tableLines(columns, marked, 15);
  t.equal(table.header, '<heading>Name</>\n<heading>  Number</>');
  t.equal(table.row({ name: 'a', number: '13' }), 'a\n  <bad>13</>');
  t.equal(tableLines(columns, marked, 30).row({ name: 'a', number: '13' }), 'a         <bad>13        </>');
});

t.test('what is not printable is wide as it is shown', async (t) => {
  t.equal(tableLines(columns, plain, 19).row({ name: 'a', number: '12\x1b[J' }), 'a         12\\x1b[J');
  t.equal(tableLines(columns, plain, 16).row({ name: 'a', number: '123\x1b[J' }), 'a\n  123\\x1b[J');
});
