// SPDX-License-Identifier: MIT
/** The section JSON that a schema becomes. */
import t from 'tap';
import { jsonSection, type Schema } from '../scripts/json-section.ts';

const section = (...schemas: [title: string, schema: Schema][]): string[] =>
  jsonSection(
    'smcss(8)',
    ['Introduction.'],
    schemas.map(([title, schema]) => ({ title, schema })),
    new Set(['OUTPUT']),
  );

/** The list of one document. */
const list = (properties: Record<string, Schema>, $defs: Record<string, Schema> = {}): string[] =>
  section(['x', { description: 'A document.', type: 'object', properties, $defs }]).slice(3);

const text = (description: string): Schema => ({ type: 'string', description });

t.test('types in words', async (t) => {
  const $defs = {
    Integer: { type: 'integer', description: 'Whole number.' },
    Hex: { type: 'string', description: 'Digits.', pattern: '^[0-9a-f]+$' },
    Time: { type: 'string', description: 'Time in UTC.' },
  };
  const header = (schema: Schema): string | undefined =>
    list({ a: { description: 'text', ...schema } }, $defs)[1]?.replace('.It Va a Pq ', '');
  t.equal(header({ type: ['null', 'boolean'] }), 'boolean or null');
  t.equal(
    header({ anyOf: [{ $ref: '#/$defs/Integer' }, { type: 'string' }, { type: 'null' }] }),
    'number, string or null',
  );
  t.equal(header({ anyOf: [{ type: 'null' }, { $ref: '#/$defs/Hex' }] }), 'hexadecimal string or null');
  t.equal(header({ type: 'array', items: { $ref: '#/$defs/Integer' } }), 'array of numbers');
  t.equal(
    header({ type: 'array', prefixItems: [{ type: 'number' }, { type: ['number', 'null'] }] }),
    'array of numbers',
  );
  t.equal(
    header({ type: 'array', items: { type: 'object', properties: { b: text('b') } } }),
    'array of objects',
  );
  t.strictSame(list({ a: { $ref: '#/$defs/Time', description: 'end of it' } }, $defs).slice(2, -1), [
    'End of it.',
    'Time in UTC.',
  ]);
});

t.test('allowed words', async (t) => {
  const Unknown = { type: 'string', description: 'A number such as `0x7?`.', pattern: '^0x' };
  const body = (schema: Schema): string[] => list({ a: schema }, { Unknown }).slice(2, -1);
  const allowed = { type: ['string', 'null'], enum: ['up', 'down', null] };
  t.strictSame(body({ ...allowed, description: 'state; null if unknown' }), [
    'State:',
    '.Sy up',
    'or',
    '.Sy down ;',
    'null if unknown.',
  ]);
  t.strictSame(body({ ...allowed, description: '`up` with a signal, otherwise `down`' }), [
    '.Sy up',
    'with a signal, otherwise',
    '.Sy down .',
  ]);
  t.strictSame(body({ ...allowed, description: 'One sentence. Another.' }), [
    'One sentence.',
    'Another.',
    '.Sy up',
    'or',
    '.Sy down .',
  ]);
  t.strictSame(body({ anyOf: [{ const: 'up' }, { const: 'down' }, { $ref: '#/$defs/Unknown' }] }), [
    '.Sy up , down',
    'or a number such as',
    '.Sy 0x7?\\& .',
  ]);
  t.strictSame(body({ type: 'string', const: 'up' }), ['Always', '.Sy up .']);
});

t.test('one item for fields that have type and comment in common', async (t) => {
  t.strictSame(list({ a: text('here'), b: text('here'), c: text('there') }), [
    '.Bl -tag -width Ds',
    '.It Va a , b Pq string',
    'Here.',
    '.It Va c Pq string',
    'There.',
    '.El',
  ]);
  t.throws(() => list({ a: { type: 'string' } }), /x: the field a needs a comment in src\/documents\//);
  t.throws(() => list({ a: { $ref: '#/$defs/B' } }), /#\/\$defs\/B is not defined/);
});

t.test('objects are listed once', async (t) => {
  const End: Schema = { type: 'object', properties: { port: text('port') } };
  const $defs = { End };
  const first = { $ref: '#/$defs/End', description: 'this end' };
  const second = { anyOf: [{ $ref: '#/$defs/End' }, { type: 'null' }], description: 'that end' };
  const described = ['.Bl -tag -width Ds', '.It Va port Pq string', 'Port.', '.El'];
  t.strictSame(list({ first, second }, $defs), [
    '.Bl -tag -width Ds',
    '.It Va first Pq object',
    'This end.',
    ...described,
    '.It Va second Pq object or null',
    'That end.',
    'The fields are those of',
    '.Va first .',
    '.El',
  ]);

  const many = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, text(name)]));
  const pages = section(
    [
      'x --one',
      { type: 'object', description: 'One.', properties: { all: { type: 'object', properties: many } } },
    ],
    [
      'x --two',
      {
        description: 'Two.',
        anyOf: [
          { type: 'object', description: 'The first.', properties: { begun: text('begun') } },
          { type: 'object', description: 'The others.', properties: { ...many, f: text('f') } },
        ],
      },
    ],
  );
  t.strictSame(pages.slice(pages.indexOf('.Ss x \\-\\-two')), [
    '.Ss x \\-\\-two',
    'Two.',
    '.Pp',
    'The first.',
    '.Bl -tag -width Ds',
    '.It Va begun Pq string',
    'Begun.',
    '.El',
    '.Pp',
    'The others.',
    'The fields are those of',
    '.Va all',
    'in',
    '.Sx x \\-\\-one ,',
    'and:',
    '.Bl -tag -width Ds',
    '.It Va f Pq string',
    'F.',
    '.El',
  ]);
});

t.test('words with a meaning', async (t) => {
  const body = (description: string): string[] => list({ mode: text(description) }).slice(2, -1);
  t.strictSame(body('see OUTPUT, smcd(8) and `--log`: (`mode`) in /proc/net, `a b` and `x.json`'), [
    'See',
    '.Sx OUTPUT ,',
    '.Xr smcd 8',
    'and',
    '.Fl -log :',
    '.Va ( mode )',
    'in',
    '.Pa /proc/net ,',
    '.Sy "a b"',
    'and',
    '.Pa x.json .',
  ]);
  t.strictSame(body('as smcss(8) has it'), ['As this page has it.']);
  t.strictSame(body('TCP is no section, and \\ no escape; --x is'), [
    'TCP is no section, and \\e no escape; \\-\\-x is.',
  ]);
  const long = body(`${'word '.repeat(40)}.end`);
  t.ok(long.length > 2 && long.every((line) => line.length <= 80 && !line.startsWith('.')), String(long));
  t.throws(() => body('in`side`'), /backticks within a word/);
});
