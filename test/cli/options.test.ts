// SPDX-License-Identifier: MIT
import t from 'tap';
import { number } from '../../src/cli/number-option.ts';
import {
  checkOptions,
  checkRules,
  type Given,
  HelpOrVersion,
  helpText,
  optionList,
  optionTable,
  parse,
  type Syntax,
  UsageError,
  withCommonOptions,
} from '../../src/cli/options.ts';

const syntax: Syntax = {
  name: 'cmd',
  usage: '[options] [WORD...]',
  summary: 'Does things.',
  options: {
    all: { short: 'a', help: 'everything' },
    binary: { short: 'b', help: 'another letter' },
    alone: { help: 'a word alone' },
    noHeader: { short: 'H', help: 'no header' },
    interface: { short: 'I', value: 'NAME', help: 'interface' },
    ibport: { short: 'P', value: 'PORT', help: 'port' },
    help: { short: 'h', help: 'show this help' },
    version: { short: 'v', help: 'show the version' },
  },
  examples: [
    ['cmd', 'nothing'],
    ['cmd -a x', 'everything'],
  ],
};

/** "a b |x y| I=eth0": options, operands, values. */
function show({ texts, operands }: Given, { options }: Syntax): string {
  const assigned = [...texts]
    .filter(([name]) => options[name]?.value)
    .map(([name, values]) => ` ${name}=${values.at(-1)}`);
  return `${[...texts.keys()].join(' ')} |${operands.join('|')}|${assigned.join('')}`;
}

/** What parse makes of a command line. */
function outcome(argv: readonly string[] | string, over: Partial<Syntax> = {}): string {
  const words = typeof argv === 'string' ? argv.split(' ').filter(Boolean) : argv;
  try {
    const own = { ...syntax, ...over };
    return show(parse(own, words), own);
  } catch (error) {
    if (error instanceof HelpOrVersion) return `answer: ${error.kind}`;
    if (error instanceof UsageError) return `usage: ${error.message}`;
    throw error;
  }
}

/** Command line -> outcome; a list where blanks matter. */
const table =
  (cases: [string | string[], string][], over: Partial<Syntax> = {}) =>
  async (t: import('tap').Test): Promise<void> => {
    for (const [argv, expected] of cases) t.equal(outcome(argv, over), expected, JSON.stringify(argv));
  };

t.test(
  'letters',
  table([
    ['', ' ||'],
    ['-a', 'all ||'],
    ['-b', 'binary ||'],
    ['-ab', 'all binary ||'],
    ['-ba', 'binary all ||'],
    ['-H', 'noHeader ||'],
    ['-I eth0', 'interface || interface=eth0'],
    ['-Ieth0', 'interface || interface=eth0'],
    ['-I=eth0', 'interface || interface==eth0'],
    ['-aIeth0', 'all interface || interface=eth0'],
    ['-aI eth0 x', 'all interface |x| interface=eth0'],
    ['-Ia', 'interface || interface=a'],
    ['-a -a', 'all ||'],
    ['-I x -I y', 'interface || interface=y'],
  ]),
);

t.test(
  'words',
  table([
    ['--all', 'all ||'],
    ['--no-header', 'noHeader ||'],
    ['--interface eth0', 'interface || interface=eth0'],
    ['--interface=eth0', 'interface || interface=eth0'],
    ['--interface=a=b', 'interface || interface=a=b'],
    [['--interface=a\nb'], 'interface || interface=a\nb'],
    ['--interface=', 'interface || interface='],
    [['--interface', ''], 'interface || interface='],
  ]),
);

t.test(
  'abbreviations',
  table([
    ['--int eth0', 'interface || interface=eth0'],
    ['--in=eth0', 'interface || interface=eth0'],
    ['--ib 1', 'ibport || ibport=1'],
    ['--no', 'noHeader ||'],
    ['--i eth0', "usage: option '--i' is ambiguous: --interface, --ibport"],
    ['--al', "usage: option '--al' is ambiguous: --all, --alone"],
    ['--alo', 'alone ||'],
    ['--ver', 'answer: version'],
    ['--he', 'answer: help'],
    ['-Ieth0 --alo', 'interface alone || interface=eth0'],
    ['--allx', "usage: unknown option '--allx' (did you mean --all?)"],
    ['--all=1', "usage: option '--all' takes no value"],
    ['--no=1', "usage: option '--no-header' takes no value"],
    ['--all=', "usage: option '--all' takes no value"],
  ]),
);

t.test('a whole word is no abbreviation of a longer one', async (t) => {
  const options = { json: { help: '' }, jsonLines: { help: '' } };
  t.equal(outcome('--json', { options }), 'json ||');
  t.equal(outcome('--json-', { options }), 'jsonLines ||');
  t.equal(outcome('--js', { options }), "usage: option '--js' is ambiguous: --json, --json-lines");
});

t.test(
  'values that look like something else',
  table([
    ['-I -a', 'interface || interface=-a'],
    ['-I --all', 'interface || interface=--all'],
    ['--interface --al', 'interface || interface=--al'],
    ['--int --i', 'interface || interface=--i'],
    ['-I -- x', 'interface |x| interface=--'],
    ['-I - x', 'interface |x| interface=-'],
    ['-aI --i x', 'all interface |x| interface=--i'],
    ['-I-1', 'interface || interface=-1'],
  ]),
);

t.test(
  'failures',
  table([
    ['-x', "usage: unknown option '-x'"],
    ['-ax', "usage: unknown option '-x'"],
    ['--xyz', "usage: unknown option '--xyz'"],
    ['--xyz=1', "usage: unknown option '--xyz=1'"],
    ['-I', "usage: option '-I, --interface' needs a NAME"],
    ['-aI', "usage: option '-I, --interface' needs a NAME"],
    ['--interface', "usage: option '-I, --interface' needs a NAME"],
    ['x -x', "usage: unknown option '-x'"],
  ]),
);

t.test(
  'operands',
  table([
    ['x y', ' |x|y|'],
    ['x -a y', 'all |x|y|'],
    ['x -I eth0 y --all', 'interface all |x|y| interface=eth0'],
    ['-', ' |-|'],
    ['-- -a --xyz', ' |-a|--xyz|'],
    ['x -- -a -- y', ' |x|-a|--|y|'],
    ['-a --', 'all ||'],
    [[''], ' ||'],
    [['', 'x', ''], ' ||x||'],
    [['a b', '-a'], 'all |a b|'],
  ]),
);

t.test('an empty word is an operand, not nothing', async (t) => {
  t.strictSame(parse(syntax, ['']).operands, ['']);
});

t.test(
  'options end at the first operand where a program is to be run',
  table(
    [
      ['prog -a --xyz', ' |prog|-a|--xyz|'],
      ['-a prog -a -I', 'all |prog|-a|-I|'],
      ['-I eth0 prog --help', 'interface |prog|--help| interface=eth0'],
      ['--int eth0 prog --al', 'interface |prog|--al| interface=eth0'],
      ['-Ieth0 prog', 'interface |prog| interface=eth0'],
      ['-- prog -- -a', ' |prog|--|-a|'],
      ['-a -- -x', 'all |-x|'],
      ['prog -- -a', ' |prog|--|-a|'],
      ['- -a', ' |-|-a|'],
      [['', '-a'], ' ||-a|'],
      ['-x prog', "usage: unknown option '-x'"],
      ['-h prog', 'answer: help'],
    ],
    { stopAtOperand: true },
  ),
);

t.test(
  'help and version act where they stand',
  table([
    ['-h', 'answer: help'],
    ['--version', 'answer: version'],
    ['-v -h', 'answer: version'],
    ['-h -v', 'answer: help'],
    ['-av', 'answer: version'],
    ['x -h', 'answer: help'],
    ['-h -x', 'answer: help'],
    ['-h --interface', 'answer: help'],
    ['-- -h', ' |-h|'],
    ['-I -h', 'interface || interface=-h'],
  ]),
);

t.test(
  'a wrong option in front of --help is refused as by getopt_long',
  table([
    ['-x -h', "usage: unknown option '-x'"],
    ['--xyz --version', "usage: unknown option '--xyz'"],
  ]),
);

t.test(
  'a wrong option behind --help does not matter',
  table([
    ['-h --al', 'answer: help'],
    ['-h --all=1', 'answer: help'],
  ]),
);

t.test('of options that exclude each other, the second one is refused where it stands', async (t) => {
  const rules = { exclusive: ['all', 'ibport', 'noHeader'] };
  for (const [argv, expected] of [
    ['-a -I x -b', 'all interface binary || interface=x'],
    ['-aa', 'usage: --all is given twice'],
    ['-P 1 -b -H', 'usage: --ibport and --no-header exclude each other'],
    ['-H -P 1 -h', 'usage: --no-header and --ibport exclude each other'],
    ['-H -h -P 1', 'answer: help'],
    ['-H -P 1 -x', 'usage: --no-header and --ibport exclude each other'],
  ] as const)
    t.equal(outcome(argv, { rules }), expected, argv);
});

const typed = optionTable({
  all: { short: 'a', help: '' },
  none: { help: '' },
  few: { help: '' },
  way: { value: 'WAY', choices: ['auto', 'by hand', 'not'], help: '' },
  size: { value: 'SIZE', parse: number({ min: 1, max: 9, of: 'bytes' }), help: '' },
  only: { value: 'RULE', repeatable: true, help: '' },
  name: { value: 'NAME', help: '' },
  unit: { value: 'UNIT', operands: { max: 0 }, help: '' },
});

/** What checkOptions makes of a command line: what is given, or the error. */
function checked(argv: string, over: Partial<Syntax> = {}): unknown {
  const own = withCommonOptions({ ...syntax, operands: anyNumber, ...over, options: typed });
  try {
    const given = parse(own, argv.split(' ').filter(Boolean));
    checkRules(own, given);
    const options = checkOptions({ ...own, options: typed }, given);
    // the compiler knows these types
    const exact: [
      boolean,
      'auto' | 'by hand' | 'not' | undefined,
      number | undefined,
      readonly string[],
      string | undefined,
      boolean,
      'auto' | 'always' | 'never' | undefined,
    ] = [options.all, options.way, options.size, options.only, options.name, options.json, options.color];
    return exact;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}
const anyNumber = { name: 'WORD', completes: () => [] };

t.test('options have the types of their declarations', async (t) => {
  t.strictSame(checked(''), [false, undefined, undefined, [], undefined, false, undefined]);
  t.strictSame(checked('-aj --way not --size 4 --only x --name n --only y --color never'), [
    true,
    'not',
    4,
    ['x', 'y'],
    'n',
    true,
    'never',
  ]);
  t.strictSame(checked('--name x --name y'), [false, undefined, undefined, [], 'y', false, undefined]);
  for (const [argv, message] of [
    ['--way no', "--way 'no': must be auto, by hand or not"],
    ['--way=', "--way '': must be auto, by hand or not"],
    ['--name=', "--name '': must not be empty"],
    ['--size=', "--size '': must be a number of bytes from 1 to 9"],
    ['--only x --only=', "--only '': must not be empty"],
    ['--from=', "--from '': must not be empty"],
    ['--size 0', "--size '0': must be a number of bytes from 1 to 9"],
    ['--size x --way x', "--way 'x': must be auto, by hand or not"],
    ['--color red', "--color 'red': must be auto, always or never"],
    ['--size 0 --size 4', "--size '0': must be a number of bytes from 1 to 9"],
  ] as const)
    t.equal(checked(argv), message, argv);
});

t.test('rules between options', async (t) => {
  const rules = {
    conflicts: [
      { of: 'none', with: 'few' },
      { of: ['none', 'few'], with: ['all', 'name'] },
      { of: 'way', with: 'size', message: (one: string, two: string) => `${two} has no effect on ${one}` },
    ],
    requires: { name: 'size', only: ['all', 'none', 'few'] },
  };
  for (const [argv, message] of [
    ['--few --none', '--none and --few exclude each other'],
    ['--name x --all --few', '--few and --all exclude each other'],
    ['--size 99 --way x', '--size has no effect on --way'],
    ['--name x', '--name requires --size'],
    ['--only x --name y', '--name requires --size'],
    ['--only x', '--only requires --all, --none or --few'],
    ['--only x --all --size 99', "--size '99': must be a number of bytes from 1 to 9"],
  ] as const)
    t.equal(checked(argv, { rules }), message, argv);
  t.type(checked('--only x --few --size 3', { rules }), Array);
});

t.test('the number of operands', async (t) => {
  const none = { ...syntax, options: typed };
  const given = (argv: string): Given => parse(none, argv.split(' '));
  t.throws(() => checkOptions(none, given('-a x')), { message: "unexpected argument 'x'" });
  for (const [argv, count, message] of [
    ['a b c', {}, undefined],
    ['a b c', { max: 1 }, "unexpected argument 'b'"],
    ['-a', { min: 1 }, 'missing argument WORD'],
    ['-a b', { min: 1 }, undefined],
    ['--unit u', { min: 1 }, undefined],
    ['--unit u b', { min: 1 }, "unexpected argument 'b'"],
    ['b --size 0', { max: 0 }, "unexpected argument 'b'"],
  ] as const) {
    const outcome = checked(argv, { operands: { ...anyNumber, ...count } });
    if (message === undefined) t.type(outcome, Array, argv);
    else t.equal(outcome, message, argv);
  }
});

t.test('names', async (t) => {
  const names = (options: Syntax['options']): string[] => optionList(options).map(({ long }) => long);
  t.strictSame(names({ noHeader: { help: '' } }), ['no-header']);
  t.strictSame(names({ fromMachineId: { help: '' }, raw: { long: 'IB-dev', help: '' } }), [
    'from-machine-id',
    'IB-dev',
  ]);
});

t.test('the help lists everything, and fits', async (t) => {
  const text = helpText(syntax);
  t.match(text, /^Usage: cmd \[options\] \[WORD\.\.\.\]\n\nDoes things\.\n/);
  for (const line of [
    '-a, --all',
    '-b, --binary',
    '--alone',
    '-I, --interface <NAME>',
    '-H, --no-header',
    '-h, --help',
  ])
    t.match(text, line);
  t.match(text, '\nExamples:\n  cmd       nothing\n  cmd -a x  everything\n');
  t.match(text, /\nThe man page cmd\(8\) has the details\.\n$/);
  t.ok(text.split('\n').every((line) => line.length <= 100));
});

t.test('the options of all commands', async (t) => {
  const full = withCommonOptions({ ...syntax, options: { flush: { short: 'f', help: 'flush it' } } });
  t.strictSame(Object.keys(full.options), ['flush', 'json', 'color', 'netns', 'from', 'help', 'version']);
  const read = (argv: string): string => show(parse(full, argv.split(' ')), full);
  t.equal(read('--f'), 'flush ||', 'an abbreviation goes to the option that the C suite has');
  t.equal(read('--fr x --c always -N 17'), 'from color netns || from=x color=always netns=17');
  t.equal(read('-jNblue'), 'json netns || netns=blue');
  const json = { short: 'j', help: 'its own words' };
  const { options } = withCommonOptions({ ...syntax, options: { json } });
  t.equal(options['json'], json, 'what a command declares itself stays');
});

t.test('a value that can be left out', async (t) => {
  const own: Partial<Syntax> = {
    options: {
      ...syntax.options,
      rates: { short: 'i', value: 'N', optional: { text: '1', start: /^[.\d]/ }, help: 'rates' },
    },
  };
  for (const [line, expected] of [
    ['-i', 'rates || rates=1'],
    ['-i 3', 'rates || rates=3'],
    ['-i3', 'rates || rates=3'],
    ['-i.5x', 'rates || rates=.5x'],
    ['-i x', 'rates |x| rates=1'],
    ['-i -a', 'rates all || rates=1'],
    ['-i -- 3', 'rates |3| rates=1'],
    ['-ai 3 4', 'all rates |4| rates=3'],
    ['-aib', 'all rates binary || rates=1'],
    ['-ai7 b', 'all rates |b| rates=7'],
    ['-iIeth0', 'rates interface || rates=1 interface=eth0'],
    ['-iI eth0', 'rates interface || rates=1 interface=eth0'],
    ['-iz', "usage: unknown option '-z'"],
    ['-ih', 'answer: help'],
    ['--rates', 'rates || rates=1'],
    ['--rates 3', 'rates || rates=3'],
    ['--ra x', 'rates |x| rates=1'],
    ['--rates=x', 'rates || rates=x'],
    ['--rates=', 'rates || rates='],
  ] as const)
    t.equal(outcome(line, own), expected, line);
  t.match(helpText({ ...syntax, ...own }), /-i, --rates \[N\] /);
});
