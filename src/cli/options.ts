// SPDX-License-Identifier: MIT
/** Command lines. Options are declared once, and used for parsing, help, the man page test and completion. */
import { Command, CommanderError, Option } from 'commander';
import { didYouMean } from './suggest.ts';

/** Kinds of names that a shell looks up to complete a word. scripts/completions has the look-ups. */
export type NamesOf =
  | 'interface'
  | 'rdma-device'
  /** RDMA devices by name, ISM devices by PCI address */
  | 'device'
  | 'pnetid'
  | 'lgr-id'
  | 'ueid'
  | 'unit'
  | 'netns'
  /** PCI function of s390x */
  | 'fid'
  | 'host'
  | 'command'
  | 'file'
  | 'directory';

/** One option of a command. */
export interface OptionSpec {
  /** letter without its dash */
  short?: string;
  /** word without its dashes */
  long?: string;
  /** name of the value it takes, e.g. "NAME" */
  value?: string;
  /** what a shell offers for the value: a kind of names, or these words. If absent, the value's own name decides */
  completes?: NamesOf | readonly string[];
  /** can be given several times; its values are in `Parsed.lists` */
  repeatable?: boolean;
  /** one line for the help */
  help: string;
  /** not in the C suite: if an abbreviation also fits an option of the C suite, that one wins */
  addition?: boolean;
  /** refused with a reason of its own, and so not offered in help, man page and completions */
  isHidden?: boolean;
}

/** What `parse` needs to know about a command. */
export interface Syntax {
  name: string;
  /** what follows the name in the usage line */
  usage: string;
  /** one line that says what the command does */
  summary: string;
  /**
   * What shells offer for operands: one line for each possible sequence of words, separated by blanks. The last word can
   * be `<kind of names>`: `["show", "show all", "show <lgr-id>"]`.
   */
  operands?: () => readonly string[] | Promise<readonly string[]>;
  options: readonly OptionSpec[];
  /** lines of the help's example section: command, what it does */
  examples: readonly (readonly [command: string, effect: string])[];
  /** operands that are keywords, with their meaning; a section of the help */
  topics?: { title: string; entries: readonly (readonly [word: string, meaning: string])[] };
  /** name of the man page when it differs from the command's name */
  page?: string;
  /** rewrites options that getopt_long would not understand into its spelling */
  rewrite?: (argv: readonly string[]) => readonly string[];
  /** options end at the first operand, as in programs that start another program */
  stopAtOperand?: boolean;
  /** called for each option in the order of the command line; throws UsageError on a conflict */
  onOption?: (option: string, before: readonly string[]) => void;
}

/** Options that every command has. The help shows them after its own options. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { short: 'j', long: 'json', help: 'print all fields as one JSON document', addition: true },
  {
    long: 'color',
    value: 'WHEN',
    completes: ['auto', 'always', 'never'],
    help: 'when to use colours: auto (default), always or never',
    addition: true,
  },
  {
    short: 'N',
    long: 'netns',
    value: 'NAME|PID',
    completes: 'netns',
    help: 'work in the network namespace of this name, or of this process',
    addition: true,
  },
  {
    long: 'from',
    value: 'FILE|DIR',
    completes: 'file',
    help: 'show the system that smc_dbg recorded in this bundle',
    addition: true,
  },
  { short: 'h', long: 'help', help: 'show this help' },
  { short: 'v', long: 'version', help: 'show the version' },
];

/** Adds the options that all commands have, except those that the command declares itself. */
export function withCommonOptions<S extends Syntax>(syntax: S): S {
  const own = syntax.options.map(optionName);
  const common = COMMON_OPTIONS.filter((option) => !own.includes(optionName(option)));
  return { ...syntax, options: [...syntax.options, ...common] };
}

/** A command line that cannot be carried out. */
export class UsageError extends Error {
  /** command that shows the usage, if it is not `<command> --help` */
  help?: string;
}
UsageError.prototype.name = 'UsageError';

/** `-h` or `-v` was found. Everything before it on the command line has been checked, the rest has not. */
export class Answer extends Error {
  readonly kind: 'help' | 'version';

  constructor(kind: 'help' | 'version') {
    super(kind);
    this.kind = kind;
  }
}

/** Options in the order given, by long name (or short name if there is no long one), and the operands. */
export interface Parsed {
  flags: ReadonlySet<string>;
  values: Readonly<Record<string, string>>;
  /** values of repeatable options, in order; no entry for an option that was not given */
  lists: Readonly<Record<string, readonly string[]>>;
  operands: readonly string[];
}

/** The name of an option in `Parsed`. */
export function optionName({ long, short }: OptionSpec): string {
  return long ?? short ?? '';
}

/**
 * Parses as getopt_long does: clustered letters, glued or separate values, long options abbreviated to a unique
 * prefix, options and operands mixed, `--` ends options; `-h` and `-v` take effect in their turn.
 * @param argv without node and script
 * @throws UsageError; Answer
 */
export function parse(syntax: Syntax, argv: readonly string[]): Parsed {
  const command = toCommander(syntax);
  const seen: string[] = [];
  const values: Record<string, string> = {};
  const lists: Record<string, string[]> = {};
  for (const spec of syntax.options) {
    const name = optionName(spec);
    command.on(`option:${name}`, (value: string | null) => {
      if (name === 'help' || name === 'version') throw new Answer(name);
      syntax.onOption?.(name, seen);
      seen.push(name);
      if (spec.repeatable) lists[name] = [...(lists[name] ?? []), value ?? ''];
      else if (spec.value) values[name] = value ?? '';
    });
  }
  try {
    const { words, error } = expandAbbreviations(syntax, syntax.rewrite?.(argv) ?? argv);
    // first parse what comes before the error, as it may contain -h
    command.parse(words, { from: 'user' });
    if (error) throw error;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new UsageError(wording(error));
  }
  return { flags: new Set(seen), values, lists, operands: command.args };
}

/** commander's message in our form: one line, without its "error: " and its suggestions. */
function wording({ message }: CommanderError): string {
  const [, names, value] = /^error: option '(.*) <(.*)>' argument missing/.exec(message) ?? [];
  return names ? `option '${names}' needs a ${value}` : message.replace(/^error: /, '').replace(/\n.*$/s, '');
}

/** The help text, including line ends. */
export function helpText(syntax: Syntax): string {
  const { topics, examples, page = syntax.name } = syntax;
  const operands = topics ? `\n${topics.title}:\n${twoColumns(topics.entries)}` : '';
  return `${toCommander(syntax).helpInformation()}${operands}\nExamples:\n${twoColumns(examples)}\nThe man page ${page}(8) has the details.\n`;
}

function twoColumns(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([left]) => left.length));
  return entries.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('');
}

function toCommander(syntax: Syntax): Command {
  const command = new Command(syntax.name)
    .usage(syntax.usage)
    .description(syntax.summary)
    .helpOption(false)
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
    .configureHelp({ helpWidth: 100 });
  if (syntax.stopAtOperand) command.passThroughOptions();
  for (const { short, long, value, help, isHidden } of syntax.options) {
    const names = [short && `-${short}`, long && `--${long}`].filter(Boolean).join(', ');
    const option = new Option(value ? `${names} <${value}>` : names, help);
    command.addOption(isHidden ? option.hideHelp() : option);
  }
  return command;
}

/**
 * Expands long options that are abbreviated to a unique prefix, because commander knows only full names. Stops at the
 * first option that is wrong, and returns the error for it.
 */
function expandAbbreviations(
  { options, stopAtOperand }: Syntax,
  argv: readonly string[],
): { words: string[]; error?: UsageError } {
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    const isOperand = word === '-' || !word.startsWith('-');
    if (word === '--' || (stopAtOperand && isOperand)) return { words: [...words, ...argv.slice(i)] };
    let takesNext = false;
    try {
      if (word.startsWith('--')) {
        const [, name = '', rest = ''] = /^--([^=]*)(=.*)?$/s.exec(word) ?? [];
        const option = findLong(options, name, word);
        if (rest && !option.value) throw new UsageError(`option '--${option.long}' takes no value`);
        words.push(`--${option.long}${rest}`);
        takesNext = Boolean(option.value) && !rest;
      } else if (isOperand) words.push(word);
      else {
        const end = clusterEnd(options, word);
        words.push(...(end.known > 1 ? [end.known < word.length ? word.slice(0, end.known) : word] : []));
        if (end.known < word.length)
          throw new UsageError(`unknown option '-${[...word.slice(end.known)][0]}'`);
        takesNext = end.takesNext;
      }
    } catch (error) {
      if (error instanceof UsageError) return { words, error };
      throw error;
    }
    if (takesNext && i + 1 < argv.length) words.push(argv[++i]!);
  }
  return { words };
}

/** How many letters of a cluster are known, and whether the last letter takes the next word as its value. */
function clusterEnd(options: readonly OptionSpec[], word: string): { known: number; takesNext: boolean } {
  for (let at = 1; at < word.length; at++) {
    const option = options.find(({ short }) => short === word[at]);
    if (!option) return { known: at, takesNext: false };
    if (option.value) return { known: word.length, takesNext: at === word.length - 1 };
  }
  return { known: word.length, takesNext: false };
}

function findLong(options: readonly OptionSpec[], name: string, word: string): OptionSpec {
  const exact = options.find(({ long }) => long === name);
  if (exact) return exact;
  const all = options.filter(({ long }) => long?.startsWith(name));
  const original = all.filter(({ addition }) => !addition);
  const matches = original.length > 0 ? original : all;
  if (matches.length > 1) {
    const candidates = matches.map(({ long }) => `--${long}`).join(', ');
    throw new UsageError(`option '--${name}' is ambiguous: ${candidates}`);
  }
  if (!matches[0]) {
    const words = options.flatMap(({ long: other }) => (other ? [`--${other}`] : []));
    throw new UsageError(`unknown option '${word}'${didYouMean(`--${name}`, words)}`);
  }
  return matches[0];
}
