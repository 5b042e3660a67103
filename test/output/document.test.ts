// SPDX-License-Identifier: MIT
/**
 * What documents demand of the code that makes them. The compiler is the test: an error that it does not find where one is
 * expected is an error itself (`npm run check`).
 */
import t from 'tap';
import { writeDocument } from '../../src/cli/print.ts';
import { JsonRows, type Made } from '../../src/output/document.ts';
import { documentColumns, jsonOnly, rowObject } from '../../src/output/table.ts';

interface Row {
  name: string;
  size: bigint;
}

interface PartDocument {
  name: string;
  size: number;
  kind: 'large' | 'small' | null;
}

interface WholeDocument {
  parts: PartDocument[];
  /** a tuple stays one */
  range: [number, number | null];
  facts: { [name: string]: unknown };
  error?: string;
}

const name = { key: 'name', json: ({ name }: Row) => name } as const;
const size = { key: 'size', header: 'Size', text: () => '', json: ({ size }: Row) => size } as const;
const kind = { key: 'kind', json: () => null } as const;

const columns = documentColumns<Row, PartDocument>()([name, { header: 'Text', text: () => '' }, size, kind]);

t.test('columns are returned as they are, and make the document', async (t) => {
  const list = [name, size, kind];
  t.equal(documentColumns<Row, PartDocument>()(list), list);
  const part: Made<PartDocument> = rowObject(columns, { name: 'a', size: 1n << 60n });
  t.strictSame(part, { name: 'a', size: 1n << 60n, kind: null });
  t.strictSame(rowObject(jsonOnly(columns), { name: 'a', size: 1n }), { name: 'a', size: 1n, kind: null });
  t.ok(jsonOnly(columns).every((column) => !column.text && !column.header));
});

t.test('columns that do not compile', async (t) => {
  const of = documentColumns<Row, PartDocument>();
  // @ts-expect-error a key is missing
  of([name, size]);
  // @ts-expect-error no key at all
  of([]);
  of([
    name,
    size,
    kind,
    // @ts-expect-error not a key of the document
    { key: 'colour', json: () => null },
  ]);
  of([
    size,
    kind,
    // @ts-expect-error the document has a string there
    { key: 'name', json: ({ size }) => size },
  ]);
  of([
    name,
    size,
    // @ts-expect-error not a word of the document
    { key: 'kind', json: () => 'huge' },
  ]);
  of([
    name,
    kind,
    // @ts-expect-error never null
    { key: 'size', json: () => null },
  ]);
  of([
    name,
    size,
    // @ts-expect-error columns have no such property
    { key: 'kind', json: () => null, heading: 'Kind' },
  ]);
  // @ts-expect-error a list that nobody has compared with a document
  t.ok(rowObject([name, size, kind], { name: 'a', size: 1n }));
  // @ts-expect-error the columns of a part do not make the whole
  const whole: Made<WholeDocument> = rowObject(columns, { name: 'a', size: 1n });
  t.ok(whole);
});

t.test('documents that do not compile', async (t) => {
  let text = '';
  const io = { isTerminal: false, write: (part: string) => (text += part) } as never;
  const parts = [rowObject(columns, { name: 'a', size: 1n })];
  writeDocument<WholeDocument>({ io }, { parts, range: [1n, null], facts: { any: [{}] } });
  t.equal(text, '{"parts":[{"name":"a","size":1,"kind":null}],"range":[1,null],"facts":{"any":[{}]}}\n');
  // @ts-expect-error no document is named
  writeDocument({ io }, { parts, range: [1, null], facts: {} });
  // @ts-expect-error a key is missing
  writeDocument<WholeDocument>({ io }, { parts, range: [1, null] });
  // @ts-expect-error not a key of the document
  writeDocument<WholeDocument>({ io }, { parts, range: [1, null], facts: {}, colour: 'red' });
  // @ts-expect-error a string, not a number
  writeDocument<WholeDocument>({ io }, { parts, range: ['1', null], facts: {} });
  // @ts-expect-error JSON has no functions
  writeDocument<WholeDocument>({ io }, { parts, range: [1, null], facts: { any: () => 1 } });
});

t.test('rows that do not compile', async (t) => {
  let text = '';
  const document = new JsonRows<WholeDocument, 'parts'>((part) => {
    text += part;
  }, 'parts');
  document.row({ name: 'a', size: 1n, kind: 'small' });
  // @ts-expect-error a key is missing
  document.row({ name: 'a', size: 1n });
  // @ts-expect-error not a word of the document
  document.row({ name: 'a', size: 1n, kind: 'huge' });
  document.end({ range: [1, 2], facts: {} });
  t.match(text, /^\{"parts":\[\{"name":"a","size":1,"kind":"small"\},.*\],"range":\[1,2\],"facts":\{\}\}\n$/);
  // @ts-expect-error what follows the rows is missing
  document.end({});
});
