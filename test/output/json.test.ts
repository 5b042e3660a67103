// SPDX-License-Identifier: MIT
import t from 'tap';
import { JsonRows } from '../../src/output/document.ts';
import { type Json, stringify } from '../../src/output/json.ts';

const sample = {
  a: 1,
  b: ['x', [], {}, [1, { c: null }]],
  d: { e: { f: true } },
  g: '"\n\u2028é😀',
  h: [],
  i: {},
};

t.test('like JSON.stringify', async (t) => {
  for (const value of [sample, [], {}, [sample], 'x', 1, 1.5, -0, true, null, [[[]]], { '': 1, 'a"b': 2 }])
    for (const indent of [0, 2, 4])
      t.equal(stringify(value as Json, indent), JSON.stringify(value, null, indent), `indent ${indent}`);
});

t.test('64-bit numbers keep all their digits', async (t) => {
  t.equal(stringify(18446744073709551615n), '18446744073709551615');
  t.equal(stringify({ a: [9007199254740993n, 0n] }), '{"a":[9007199254740993,0]}');
});

t.test('undefined is dropped from objects and null in arrays', async (t) => {
  t.equal(stringify({ a: undefined, b: 1, c: undefined }), '{"b":1}');
  t.equal(stringify({ a: undefined }, 2), '{}');
  t.equal(stringify([undefined, 1]), '[null,1]');
  t.equal(stringify(undefined), 'null');
  t.equal(stringify(Number.NaN), 'null', 'what JSON cannot say');
});

function rows(
  values: Json[],
  trailer: Record<string, Json>,
  indent: number,
): { text: string; writes: number } {
  let text = '';
  let writes = 0;
  const document = new JsonRows<{ sockets: unknown[] } & Record<string, unknown>, 'sockets'>(
    (part) => {
      text += part;
      writes++;
    },
    'sockets',
    indent,
  );
  for (const value of values) document.row(value);
  document.end(trailer);
  return { text, writes };
}

t.test('row by row gives the same document as at once', async (t) => {
  for (const indent of [0, 2])
    for (const values of [[], [sample], [sample, 1, 'x', [], { a: [1] }]] as Json[][])
      for (const trailer of [{}, { interrupted: true }, { error: { code: 'EPERM', list: [1] }, n: null }]) {
        const whole = { sockets: values, ...trailer };
        const { text } = rows(values, trailer, indent);
        t.equal(text, `${JSON.stringify(whole, null, indent)}\n`, `${values.length} rows, indent ${indent}`);
      }
});

t.test('trailer fields that are undefined are dropped; digits stay', async (t) => {
  t.equal(rows([1n << 60n], { a: undefined, b: 2n }, 0).text, '{"sockets":[1152921504606846976],"b":2}\n');
});

t.test('many rows at once give the same document', async (t) => {
  for (const indent of [0, 2])
    for (const [first, second] of [
      [0, 0],
      [1, 0],
      [16, 17],
      [40, 3],
    ] as const) {
      const values = Array.from({ length: first + second }, (_, at) => ({ ...(sample as object), at }));
      let text = '';
      const document = new JsonRows<{ list: unknown[] }, 'list'>(
        (part) => {
          text += part;
        },
        'list',
        indent,
      );
      document.rows(values.slice(0, first));
      document.rows(values.slice(first));
      document.end({});
      t.equal(text, `${JSON.stringify({ list: values }, null, indent)}\n`, `${first} and ${second}`);
    }
});

t.test('a 64-bit number changes nothing else', async (t) => {
  for (const indent of [0, 2])
    for (const level of [0, 2])
      t.equal(
        stringify({ list: [sample, [], {}], big: 1n << 60n, last: 'x\u202e' }, indent, level),
        stringify({ list: [sample, [], {}], big: 7777, last: 'x\u202e' }, indent, level).replace(
          '7777',
          '1152921504606846976',
        ),
      );
});

t.test('rows are written when they come', async (t) => {
  t.equal(rows([1, 2, 3], {}, 0).writes, 4);
});
