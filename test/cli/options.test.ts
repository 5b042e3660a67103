// SPDX-License-Identifier: MIT
import t from 'tap';
import {
  Answer,
  helpText,
  optionName,
  type Parsed,
  parse,
  type Syntax,
  UsageError,
  withCommonOptions,
} from '../../src/cli/options.ts';

const syntax: Syntax = {
  name: 'cmd',
  usage: '[options] [WORD...]',
  summary: 'Does things.',
  options: [
    { short: 'a', long: 'all', help: 'everything' },
    { short: 'b', help: 'a letter alone' },
    { long: 'alone', help: 'a word alone' },
    { short: 'H', long: 'no-header', help: 'no header' },
    { short: 'I', long: 'interface', value: 'NAME', help: 'interface' },
    { short: 'P', long: 'ibport', value: 'PORT', help: 'port' },
    { short: 'h', long: 'help', help: 'show this help' },
    { short: 'v', long: 'version', help: 'show the version' },
  ],
  examples: [
    ['cmd', 'nothing'],
    ['cmd -a x', 'everything'],
  ],
};

/** "a b |x y| I=eth0": flags, operands, values. */
function show({ flags, values, operands }: Parsed): string {
  const assigned = Object.entries(values).map(([name, value]) => ` ${name}=${value}`);
  return `${[...flags].join(' ')} |${operands.join('|')}|${assigned.join('')}`;
}

/** What parse makes of a command line. */
function outcome(argv: readonly string[] | string, over: Partial<Syntax> = {}): string {
  const words = typeof argv === 'string' ? argv.split(' ').filter(Boolean) : argv;
  try {
    return show(parse({ ...syntax, ...over }, words));
  } catch (error) {
    if (error instanceof Answer) return `answer: ${error.kind}`;
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
    ['-b', 'b ||'],
    ['-ab', 'all b ||'],
    ['-ba', 'b all ||'],
    ['-H', 'no-header ||'],
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
    ['--no-header', 'no-header ||'],
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
    ['--no', 'no-header ||'],
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
  const options = [
    { long: 'json', help: '' },
    { long: 'json-lines', help: '' },
  ];
  t.equal(outcome('--json', { options }), 'json ||');
  t.equal(outcome('--json-', { options }), 'json-lines ||');
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

t.test('conflicts are found in the order of the command line', async (t) => {
  const calls: string[] = [];
  const onOption = (option: string, before: readonly string[]): void => {
    calls.push(`${option} after [${before.join(' ')}]`);
    if (option === 'ibport') throw new UsageError('no ports');
  };
  t.equal(outcome('-a -I x -b', { onOption }), 'all interface b || interface=x');
  t.strictSame(calls, ['all after []', 'interface after [all]', 'b after [all interface]']);
  t.equal(outcome('-P 1 -h', { onOption }), 'usage: no ports', 'before the help');
  t.equal(outcome('-h -P 1', { onOption }), 'answer: help', 'behind it');
  t.equal(outcome('-P 1 -x', { onOption }), 'usage: no ports', 'the first mistake counts');
});

t.test('names', async (t) => {
  t.equal(optionName({ short: 'a', long: 'all', help: '' }), 'all');
  t.equal(optionName({ short: 'a', help: '' }), 'a');
});

t.test('the help lists everything, and fits', async (t) => {
  const text = helpText(syntax);
  t.match(text, /^Usage: cmd \[options\] \[WORD\.\.\.\]\n\nDoes things\.\n/);
  for (const line of [
    '-a, --all',
    '-b ',
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
  const full = withCommonOptions({ ...syntax, options: [{ long: 'flush', short: 'f', help: 'flush it' }] });
  t.strictSame(full.options.map(optionName), ['flush', 'json', 'color', 'netns', 'from', 'help', 'version']);
  const read = (argv: string): string => show(parse(full, argv.split(' ')));
  t.equal(read('--f'), 'flush ||', 'an abbreviation goes to the option that the C suite has');
  t.equal(read('--fr x --c always -N 17'), 'from color netns || from=x color=always netns=17');
  t.equal(read('-jNblue'), 'json netns || netns=blue');
  const own = { long: 'json', short: 'j', help: 'its own words' };
  const declared = withCommonOptions({ ...syntax, options: [own] });
  t.strictSame(
    declared.options.filter(({ long }) => long === 'json'),
    [own],
    'what a command declares itself stays',
  );
});
