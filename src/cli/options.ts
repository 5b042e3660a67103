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

/** One option of a command. Its type in the parsed options follows from `value`, `choices`, `parse` and `repeatable`. */
export interface OptionSpec {
  /** letter without its dash */
  short?: string;
  /** word without its dashes; if absent, it is made from the name in the table: `noHeader` is `--no-header` */
  long?: string;
  /** name of the value it takes, e.g. "NAME" */
  value?: string;
  /**
   * The value can be left out. A text that follows is the value only if it looks like one, since operands and letters of
   * other options can follow as well.
   */
  optional?: {
    /** what is meant without a value */
    text: string;
    /** what a value starts with */
    start: RegExp;
  };
  /** the words that the value can be */
  choices?: readonly string[];
  /**
   * What the value means.
   * @param option how the option is called in messages: "--port"
   * @throws UsageError
   */
  parse?: (text: string, option: string) => unknown;
  /** what a shell offers for the value: a kind of names, or these words. If absent, `choices` or the value's own name decide */
  completes?: NamesOf | readonly string[];
  /** can be given several times: a list of all its values */
  repeatable?: boolean;
  /** how many operands go with this option, where that differs from the command's own number */
  operands?: OperandCount;
  /** one line for the help */
  help: string;
  /** not in the C suite: if an abbreviation also fits an option of the C suite, that one wins */
  addition?: boolean;
  /** refused with a reason of its own, and so not offered in help, man page and completions */
  isHidden?: boolean;
  /** smcd and smcr: the option that the letter means when it is given twice, as in -dd */
  twice?: string;
}

/** Options by the name that they have in the parsed options, in the order of the help. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** An option with its name in the table. */
export interface NamedOption extends OptionSpec {
  name: string;
  long: string;
}

/** The options of a table with their names. */
export function optionList(table: OptionTable): NamedOption[] {
  return Object.entries(table).map(([name, spec]) => ({ ...spec, name, long: longName(name, spec) }));
}

function longName(name: string, { long }: OptionSpec): string {
  return long ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Keeps the exact types of a table, from which those of the parsed options follow. */
export const optionTable = <const T extends OptionTable>(table: T): T => table;

/** Options that every command has. The help shows them after its own options. */
export const COMMON_OPTIONS = optionTable({
  json: { short: 'j', help: 'print all fields as one JSON document', addition: true },
  color: {
    value: 'WHEN',
    choices: ['auto', 'always', 'never'],
    help: 'when to use colours: auto (default), always or never',
    addition: true,
  },
  netns: {
    short: 'N',
    value: 'NAME|PID',
    completes: 'netns',
    help: 'work in the network namespace of this name, or of this process',
    addition: true,
  },
  from: {
    value: 'FILE|DIR',
    completes: 'file',
    help: 'show the system that smc_dbg recorded in this bundle',
    addition: true,
  },
  help: { short: 'h', help: 'show this help' },
  version: { short: 'v', help: 'show the version' },
});

type TextValue<S> = S extends { parse: (...given: never[]) => infer V }
  ? V
  : S extends { choices: readonly (infer C)[] }
    ? C
    : string;

/** What becomes of one option: a boolean without a value, a list if it is repeatable, `undefined` if it is not given. */
export type OptionValue<S> = S extends { value: string }
  ? S extends { repeatable: true }
    ? readonly TextValue<S>[]
    : TextValue<S> | undefined
  : boolean;

/** The parsed options of a table. */
export type OwnOptions<T extends OptionTable> = { readonly [K in keyof T]: OptionValue<T[K]> };

/** The parsed options of a command: its own, and those that all commands have. */
export type Options<T extends OptionTable> = OwnOptions<T> &
  Omit<OwnOptions<typeof COMMON_OPTIONS>, keyof T | 'help' | 'version'>;

/** How many operands a command takes. */
export interface OperandCount {
  /** 0 by default */
  min?: number;
  /** any number by default */
  max?: number;
}

/** The operands of a command. */
export interface Operands extends OperandCount {
  /** what one of them is called in the usage line */
  name: string;
  /**
   * What shells offer for them: one line for each possible sequence of words, separated by blanks. The last word can be
   * `<kind of names>`: `["show", "show all", "show <lgr-id>"]`.
   */
  completes: () => readonly string[] | Promise<readonly string[]>;
}

/** Options that cannot be given together with others. */
interface Conflict<K> {
  of: K | readonly K[];
  with: K | readonly K[];
  /** the message, if it says more than that the two exclude each other */
  message?: (of: string, other: string) => string;
}

/** What has to hold between options. */
export interface OptionRules<K extends string = string> {
  /** in the order in which they are reported */
  conflicts?: readonly Conflict<K>[];
  /** options that have a meaning only with another one, or with one of several */
  requires?: { readonly [N in K]?: K | readonly K[] };
  /** only one of these, once; a second one is refused where it stands, in front of a later --help */
  exclusive?: readonly K[];
}

/** The rules for the options of a table. */
export type RulesFor<T extends OptionTable> = OptionRules<
  Extract<keyof T | keyof typeof COMMON_OPTIONS, string>
>;

/** What `parse` needs to know about a command. */
export interface Syntax {
  name: string;
  /** what follows the name in the usage line */
  usage: string;
  /** one line that says what the command does */
  summary: string;
  /** absent: it takes none */
  operands?: Operands;
  options: OptionTable;
  rules?: OptionRules;
  /** lines of the help's example section: command, what it does */
  examples: readonly (readonly [command: string, effect: string])[];
  /** operands that are keywords, with their meaning; a section of the help */
  topics?: { title: string; entries: readonly (readonly [word: string, meaning: string])[] };
  /** name of the man page when it differs from the command's name */
  page?: string;
  /** rewrites options that getopt_long would not understand into its spelling */
  rewrite?: (argv: readonly string[], options: readonly NamedOption[]) => readonly string[];
  /** options end at the first operand, as in programs that start another program */
  stopAtOperand?: boolean;
}

/** Adds the options that all commands have, except those that the command declares itself. */
export function withCommonOptions<S extends Syntax>(syntax: S): S {
  return { ...syntax, options: allOptions(syntax.options) };
}

/** A table with the options that all commands have behind its own. */
function allOptions(own: OptionTable): OptionTable {
  const common = Object.entries<OptionSpec>(COMMON_OPTIONS).filter(([name]) => !(name in own));
  return { ...own, ...Object.fromEntries(common) };
}

/** A command line that cannot be carried out. */
export class UsageError extends Error {
  /** command that shows the usage, if it is not `<command> --help` */
  help?: string;
}
UsageError.prototype.name = 'UsageError';

/** `-h` or `-v` was found. Everything before it on the command line has been checked, the rest has not. */
export class HelpOrVersion extends Error {
  readonly kind: 'help' | 'version';

  constructor(kind: 'help' | 'version') {
    super(kind);
    this.kind = kind;
  }
}

/** A command line, taken apart. What the options mean, and whether they go together, is for `checkOptions`. */
export interface Given {
  /** by name in the table, the texts of its values in the order given; '' for an option without a value */
  texts: ReadonlyMap<string, readonly string[]>;
  operands: readonly string[];
}

/**
 * Takes a command line apart as getopt_long does: clustered letters, glued or separate values, long options abbreviated
 * to a unique prefix, options and operands mixed, `--` ends options; `-h` and `-v` take effect in their turn.
 * @param argv without node and script
 * @throws UsageError; HelpOrVersion
 */
export function parse(syntax: Syntax, argv: readonly string[]): Given {
  const options = optionList(syntax.options);
  const command = toCommander(syntax, options);
  const texts = new Map<string, string[]>();
  for (const { name, long } of options)
    command.on(`option:${long}`, (text: string | null) => {
      if (name === 'help' || name === 'version') throw new HelpOrVersion(name);
      refuseSecond(name, texts, syntax);
      const before = texts.get(name);
      if (before) before.push(text ?? '');
      else texts.set(name, [text ?? '']);
    });
  try {
    const rewritten = syntax.rewrite?.(argv, options) ?? argv;
    const { words, error } = expandAbbreviations(options, Boolean(syntax.stopAtOperand), rewritten);
    // first parse what comes before the error, as it may contain -h
    command.parse(words, { from: 'user' });
    if (error) throw error;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new UsageError(wording(error));
  }
  return { texts, operands: command.args };
}

/** Of options that exclude each other, the second one. */
function refuseSecond(name: string, given: ReadonlyMap<string, unknown>, { options, rules }: Syntax): void {
  if (!rules?.exclusive?.includes(name)) return;
  const other = rules.exclusive.find((one) => given.has(one));
  if (other === name) throw new UsageError(`${spelled(name, options)} is given twice`);
  if (other !== undefined)
    throw new UsageError(`${spelled(other, options)} and ${spelled(name, options)} exclude each other`);
}

/** How an option is called in messages: "--no-header". */
function spelled(name: string, options: OptionTable): string {
  return `--${longName(name, options[name] ?? (COMMON_OPTIONS as OptionTable)[name]!)}`;
}

/** `a`, `a or b`, `a, b or c` */
export function oneOf(words: readonly string[]): string {
  const last = words.length - 1;
  return last < 1 ? (words[0] ?? '') : `${words.slice(0, last).join(', ')} or ${words[last]}`;
}

const asList = <T>(one: T | readonly T[]): readonly T[] => (Array.isArray(one) ? one : [one as T]);

/**
 * Checks the number of operands, then each value.
 * @returns the options with their values
 * @throws UsageError
 */
export function checkOptions<T extends OptionTable>(
  { options, operands }: Pick<Syntax, 'operands'> & { options: T },
  given: Given,
): Options<T> {
  const checked: Record<string, unknown> = {};
  const table = allOptions(options);
  checkOperands(given, table, operands);
  for (const [name, spec] of Object.entries(table)) {
    const option = `--${longName(name, spec)}`;
    const texts = given.texts.get(name) ?? [];
    const values = texts.map((text) => (spec.value ? readValue(text, option, spec) : true));
    checked[name] = spec.repeatable ? values : (values.at(-1) ?? (spec.value ? undefined : false));
  }
  return checked as Options<T>;
}

/** @throws UsageError for options that do not go together, or that lack one that they need */
export function checkRules(
  { options, rules = {} }: Pick<Syntax, 'options' | 'rules'>,
  { texts }: Given,
): void {
  for (const { of, with: others, message } of rules.conflicts ?? [])
    for (const one of asList(of))
      for (const other of asList(others)) {
        if (one === other || !texts.has(one) || !texts.has(other)) continue;
        const words = message ?? ((first, second) => `${first} and ${second} exclude each other`);
        throw new UsageError(words(spelled(one, options), spelled(other, options)));
      }
  for (const [name, needed = []] of Object.entries(rules.requires ?? {})) {
    if (!texts.has(name) || asList(needed).some((one) => texts.has(one))) continue;
    const words = asList(needed).map((one) => spelled(one, options));
    throw new UsageError(`${spelled(name, options)} requires ${oneOf(words)}`);
  }
}

function checkOperands({ texts, operands }: Given, table: OptionTable, declared?: Operands): void {
  const special = Object.keys(table).find((name) => texts.has(name) && table[name]!.operands);
  const count: OperandCount = special ? table[special]!.operands! : (declared ?? { max: 0 });
  const { min = 0, max = Number.POSITIVE_INFINITY } = count;
  if (operands.length > max) throw new UsageError(`unexpected argument '${operands[max]}'`);
  if (operands.length < min) throw new UsageError(`missing argument ${declared?.name}`);
}

function readValue(text: string, option: string, { choices, parse: read }: OptionSpec): unknown {
  if (choices && !choices.includes(text))
    throw new UsageError(`${option} '${text}': must be ${oneOf(choices)}`);
  // what is named by nothing would be looked for all the same, or be the current directory
  if (text === '' && !read) throw new UsageError(`${option} '': must not be empty`);
  return read ? read(text, option) : text;
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
  const listing = toCommander(syntax, optionList(syntax.options)).helpInformation();
  return `${listing}${operands}\nExamples:\n${twoColumns(examples)}\nThe man page ${page}(8) has the details.\n`;
}

function twoColumns(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([left]) => left.length));
  return entries.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('');
}

function toCommander(syntax: Syntax, options: readonly NamedOption[]): Command {
  const command = new Command(syntax.name)
    .usage(syntax.usage)
    .description(syntax.summary)
    .helpOption(false)
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
    .configureHelp({ helpWidth: 100 });
  if (syntax.stopAtOperand) command.passThroughOptions();
  for (const { short, long, value, optional, help, isHidden } of options) {
    const names = `${short ? `-${short}, ` : ''}--${long}`;
    const option = new Option(value ? `${names} ${optional ? `[${value}]` : `<${value}>`}` : names, help);
    command.addOption(isHidden ? option.hideHelp() : option);
  }
  return command;
}

/**
 * Expands long options that are abbreviated to a unique prefix, because commander knows only full names, and gives options
 * whose value can be left out the value that is meant. Stops at the first option that is wrong, and returns the error for it.
 */
function expandAbbreviations(
  options: readonly NamedOption[],
  stopAtOperand: boolean,
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
        if (option.optional && !rest) {
          const value = valueIn(option.optional, argv[i + 1]);
          words.push(`--${option.long}=${value ?? option.optional.text}`);
          if (value !== undefined) i++;
        } else {
          words.push(`--${option.long}${rest}`);
          takesNext = Boolean(option.value) && !rest;
        }
      } else if (isOperand) words.push(word);
      else {
        const cluster = readCluster(options, word, argv[i + 1]);
        words.push(...cluster.words);
        if (cluster.unknown !== undefined) throw new UsageError(`unknown option '-${cluster.unknown}'`);
        takesNext = Boolean(cluster.takesNext);
        if (cluster.hasNext) i++;
      }
    } catch (error) {
      if (error instanceof UsageError) return { words, error };
      throw error;
    }
    if (takesNext && i + 1 < argv.length) words.push(argv[++i]!);
  }
  return { words };
}

/** The text if it is a value of an option that can be without one. */
const valueIn = ({ start }: NonNullable<OptionSpec['optional']>, text = ''): string | undefined =>
  start.test(text) ? text : undefined;

interface Cluster {
  /** the letters that are known, in as many words as commander needs */
  words: string[];
  /** the first that is not */
  unknown?: string | undefined;
  /** the next word is the value of the last letter */
  takesNext?: boolean;
  /** and is in the words already */
  hasNext?: boolean;
}

function readCluster(options: readonly NamedOption[], word: string, next: string | undefined): Cluster {
  const words: string[] = [];
  /** of letters that have no word yet */
  let from = 1;
  const upTo = (end: number): void => {
    if (end > from) words.push(`-${word.slice(from, end)}`);
  };
  for (let at = 1; at < word.length; at++) {
    const option = options.find(({ short }) => short === word[at]);
    if (!option) {
      upTo(at);
      return { words, unknown: [...word.slice(at)][0] };
    }
    const { value, optional, long } = option;
    if (!value) continue;
    const rest = word.slice(at + 1);
    if (!optional) {
      upTo(word.length);
      return { words, takesNext: rest === '' };
    }
    upTo(at);
    from = at + 1;
    const text = valueIn(optional, rest === '' ? next : rest);
    words.push(`--${long}=${text ?? optional.text}`);
    if (text !== undefined) return { words, hasNext: rest === '' };
  }
  upTo(word.length);
  return { words };
}

/** The options that a word abbreviates; if any of the C suite are among them, only those. */
export function abbreviated(options: readonly NamedOption[], word: string): readonly NamedOption[] {
  const all = options.filter(({ long }) => long.startsWith(word));
  const original = all.filter(({ addition }) => !addition);
  return original.length > 0 ? original : all;
}

function findLong(options: readonly NamedOption[], name: string, word: string): NamedOption {
  const exact = options.find(({ long }) => long === name);
  if (exact) return exact;
  const matches = abbreviated(options, name);
  if (matches.length > 1) {
    const candidates = matches.map(({ long }) => `--${long}`).join(', ');
    throw new UsageError(`option '--${name}' is ambiguous: ${candidates}`);
  }
  if (!matches[0]) {
    const words = options.map(({ long: other }) => `--${other}`);
    throw new UsageError(`unknown option '${word}'${didYouMean(`--${name}`, words)}`);
  }
  return matches[0];
}
