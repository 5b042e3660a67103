// SPDX-License-Identifier: MIT
// Made-up filters, most of them wrong. Each is either parsed and answers yes or no, or is refused with a column inside it.
import t from 'tap';
import type { SeenSocket } from '../../src/smc/seen-socket.ts';
import { parseSocketFilter } from '../../src/smc/socket-filter.ts';
import { CONDITIONS, type FilterNames } from '../../src/smc/socket-filter-fields.ts';
import { FilterError } from '../../src/smc/socket-filter-words.ts';
import { fuzzCases } from '../helpers/fuzz.ts';
import { random } from '../helpers/random.ts';

const CASES = fuzzCases({ short: 20_000, long: 1_000_000 });

const names: FilterNames = {
  service: (name) => (name === 'https' ? 443 : undefined),
  user: (name) => (name === 'root' ? 0 : undefined),
  hasInterface: (name) => name === 'eth0',
  interfaceIndex: () => 2,
};

const SIGNS = [
  '(',
  ')',
  '{',
  '}',
  '!',
  '=',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  '&',
  '&&',
  '|',
  '||',
  '"',
  "'",
];
const VALUES = [
  ...['443', ':443', ':https', '*:443', '10.0.0.0/8', '10.0.0.1:443', '[fe80::]/10', '[::1]:443', '::1', ':'],
  ...[
    '0x03030000',
    'NOSMCDEV',
    'nosmcdev',
    'client',
    'server',
    'smcr',
    'smcd',
    'tcp',
    'root',
    'eth0',
    'mlx5_0',
  ],
  ...[
    '0',
    '65536',
    '-1',
    '4294967296',
    '99999999999',
    '00000100',
    '1e3',
    '0x',
    '/',
    '[]',
    '[',
    ']:',
    '%',
    '*',
  ],
  ...[
    'established',
    'listening',
    'all',
    '__proto__',
    'constructor',
    'toString',
    '\0',
    '\u202e',
    '\ud800',
    'é',
  ],
];
const WORDS = [
  ...Object.keys(CONDITIONS),
  'and',
  'or',
  'not',
  'eq',
  'ne',
  'lt',
  'gt',
  'le',
  'ge',
  'NOT',
  'And',
];

const socket = {
  family: 43,
  state: 1,
  mode: 1,
  uid: 0,
  inode: 7n,
  attributes: { fallback: { reason: 0x03030000, peerDiagnosis: 0 } },
  id: { interface: 2 },
  local: { address: '10.0.0.1', port: 443 },
  peer: { address: undefined, port: 1 },
} as unknown as SeenSocket;

t.test(`${CASES} filters`, async (t) => {
  const next = random(13);
  const one = <T>(list: readonly T[]): T => list[next(list.length)]!;
  /** A filter that may be right. */
  const sensible = (levels: number): string => {
    switch (next(levels > 0 ? 6 : 1)) {
      case 1:
        return `${sensible(levels - 1)} ${one(['and', '&&', '&', ''])} ${sensible(levels - 1)}`;
      case 2:
        return `${sensible(levels - 1)} ${one(['or', '||', '|'])} ${sensible(levels - 1)}`;
      case 3:
        return `${one(['not', '!'])} ${sensible(levels - 1)}`;
      case 4:
        return `(${sensible(levels - 1)})`;
      case 5:
        return `{ ${sensible(levels - 1)} }`;
      default:
        return `${one(Object.keys(CONDITIONS))} ${next(3) === 0 ? one(['=', '!=', 'gt', '<=']) : ''} ${one(VALUES)}`;
    }
  };
  const soup = (): string => {
    let text = '';
    for (let words = next(12); words > 0; words--)
      text +=
        one([one(WORDS), one(VALUES), one(SIGNS), String.fromCharCode(next(0x250))]) + one(['', ' ', '\t']);
    return text;
  };
  const damaged = (text: string): string => {
    const at = next(text.length + 1);
    return text.slice(0, at) + one(['', one(SIGNS), one(VALUES), ' ']) + text.slice(at + next(4));
  };
  let parsed = 0;
  let refused = 0;
  for (let run = 0; run < CASES; run++) {
    const text = [() => sensible(4), () => damaged(sensible(3)), soup][next(3)]!();
    try {
      const { matches } = parseSocketFilter(text, names);
      if (typeof matches(socket) !== 'boolean')
        t.fail(`case ${run}: ${JSON.stringify(text)}: neither yes nor no`);
      parsed++;
    } catch (error) {
      refused++;
      if (!(error instanceof FilterError)) t.fail(`case ${run}: ${JSON.stringify(text)}: ${error}`);
      else if (error.column < 1 || error.column > text.length + 1 || error.expected === '')
        t.fail(`case ${run}: ${JSON.stringify(text)}: column ${error.column}`);
    }
  }
  t.comment(`${parsed} parsed, ${refused} refused`);
  t.ok(parsed > CASES / 100, 'not all are wrong');
  t.ok(refused > CASES / 100, 'not all are right');
});
