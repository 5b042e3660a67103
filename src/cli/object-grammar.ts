// SPDX-License-Identifier: MIT
/**
 * The grammar of smcd and smcr: `COMMAND [options] OBJECT [words]`. Keywords can be shortened to any prefix; if several
 * match, the first one in the documented order wins. Options have one or two dashes and can be shortened in the same way.
 */
import { abbreviated, HelpOrVersion, type NamedOption, UsageError } from './options.ts';
import { didYouMean } from './suggest.ts';

/** The keyword that a word abbreviates; none for an empty word. */
export function matchKeyword<K extends string>(word: string, keywords: readonly K[]): K | undefined {
  return word === '' ? undefined : keywords.find((keyword) => keyword.startsWith(word));
}

/**
 * The error for an unexpected word.
 * @param keywords that would have been accepted in this place
 */
export function unexpected(word: string, keywords: readonly string[] = []): UsageError {
  return new UsageError(`unexpected word '${word}'${didYouMean(word, keywords)}`);
}

/**
 * Parses words that name one action, usually a single word.
 * @param keywords in the order in which prefixes are tried, after "help"
 * @param repeat the same action may be named more than once
 * @returns the action; without words, the first keyword
 * @throws HelpOrVersion for "help"; UsageError
 */
export function parseAction<K extends string>(
  words: readonly string[],
  keywords: readonly K[],
  { repeat = false, none }: { repeat?: boolean; none: K },
): K {
  let action: K | undefined;
  for (const word of words) {
    const keyword = matchKeyword(word, ['help', ...keywords] as const);
    if (keyword === 'help') throw new HelpOrVersion('help');
    if (keyword === undefined || (action !== undefined && !(repeat && keyword === action)))
      throw unexpected(word, action === undefined ? keywords : []);
    action = keyword as K;
  }
  return action ?? none;
}

/** Which rows of a table are wanted. At most one of the members is set. */
export interface Selection {
  /** link group ID, or UID of a link */
  id?: number;
  ibDevice?: string;
  interface?: string;
}

/** What `parseSelection` accepts. */
export interface SelectionRules<V extends string> {
  /** verbs that may come first; the first one is the default */
  verbs: readonly V[];
  /** a word that is not a keyword is a link group ID */
  takesId: boolean;
  /** `ibdev NAME` and `netdev NAME` are accepted */
  takesDevices: boolean;
}

/**
 * Parses words that say what to list: `[VERB] [all] [ID | ibdev NAME | netdev NAME]`.
 * @throws HelpOrVersion for "help"; UsageError
 */
export function parseSelection<V extends string>(
  words: readonly string[],
  { verbs, takesId, takesDevices }: SelectionRules<V>,
): { verb: V; selection: Selection } {
  const [first = ''] = words;
  // a single word is tried as help first, so "h" is help
  const leading = matchKeyword(first, ['help', ...verbs] as const);
  if (leading === 'help') throw new HelpOrVersion('help');
  const rest = leading ? words.slice(1) : [...words];
  const verb = (leading ?? verbs[0]) as V;
  const keywords = ['all', ...(takesDevices ? ['ibdev', 'netdev'] : []), ...(leading ? [] : verbs)];
  let hasAll = false;
  while (rest.length > 0) {
    const word = rest.shift()!;
    const keyword = matchKeyword(word, ['help', 'all', 'ibdev', 'netdev'] as const);
    if (keyword === 'help') throw new HelpOrVersion('help');
    if (keyword === 'all') {
      hasAll = true;
      continue;
    }
    let selection: Selection;
    if (keyword) {
      if (!takesDevices)
        throw new UsageError(`'${word}': SMC-D link groups cannot be selected by ${keyword}`);
      const [name] = rest.splice(0, 1);
      if (!name) throw new UsageError(`${keyword} requires a name`);
      selection = keyword === 'ibdev' ? { ibDevice: name } : { interface: name };
    } else if (takesId && !hasAll) selection = { id: parseId(word, keywords) };
    else throw unexpected(word, keywords);
    if (rest.length > 0) throw unexpected(rest[0]!);
    return { verb, selection };
  }
  return { verb, selection: {} };
}

/** Every line that `parseSelection` accepts, in the form of `Operands.completes`. */
export function selectionOperands({ verbs, takesId, takesDevices }: SelectionRules<string>): string[] {
  const selections = [
    'all',
    ...(takesId ? ['<lgr-id>'] : []),
    ...(takesDevices ? ['ibdev <rdma-device>', 'netdev <interface>'] : []),
  ];
  return [
    ...verbs,
    ...['', ...verbs].flatMap((verb) => selections.map((selection) => `${verb} ${selection}`.trim())),
    'help',
  ];
}

const U32_MAX = 0xffff_ffff;

function parseId(word: string, keywords: readonly string[]): number {
  const id = /^(0[xX])?[0-9a-fA-F]+$/.test(word) ? Number.parseInt(word, 16) : Number.NaN;
  if (!(id <= U32_MAX))
    throw new UsageError(
      `'${word}' is neither a keyword nor a link group ID (a hexadecimal number)${didYouMean(word, keywords)}`,
    );
  return id;
}

/**
 * Rewrites the command line of smcd and smcr into the form that getopt_long expects: options, `--`, words. Unknown options
 * stay as they are, and the parser rejects them. Options can also follow the object; `--help` there means the object's help.
 * Negative numbers are words.
 * @throws UsageError for a lone dash
 */
export function rewriteOptions(argv: readonly string[], options: readonly NamedOption[]): string[] {
  const given: string[] = [];
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || isNegativeNumber(word, options)) {
      words.push(word);
      continue;
    }
    const found = expand(word, options);
    if (found.length === 0) {
      given.push(word);
      continue;
    }
    for (const { long, value, text } of found) {
      if (long === 'help' && words.length > 0) words.splice(1, 0, 'help');
      else given.push(`--${long}${text === undefined ? '' : `=${text}`}`);
      const takesNext = value !== undefined && text === undefined;
      // the value is missing: nothing may follow that could be mistaken for it
      if (takesNext && i + 1 === argv.length) return given;
      if (takesNext) given.push(argv[++i]!);
    }
  }
  return words.length > 0 ? [...given, '--', ...words] : given;
}

const isNegativeNumber = (word: string, options: readonly NamedOption[]): boolean =>
  /^-\d/.test(word) && !options.some(({ short }) => short === word[1]);

/** An option that a word names, and the value that the word has for it. */
type Found = Pick<NamedOption, 'long' | 'value'> & { text?: string | undefined };

/**
 * The options that a word names: one by its name or the beginning of it, otherwise one for each letter.
 * @returns none if it has something that is not an option
 */
function expand(word: string, options: readonly NamedOption[]): Found[] {
  const [, body = '', text] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  if (body === '') throw new UsageError(`'${word}' is not an option`);
  const option = findOption(body, options);
  return option ? [{ ...option, text }] : expandLetters(word.replace(/^--?/, ''), options);
}

/** In a cluster all that follows a letter with a value, or `=`, is the value of that letter. */
function expandLetters(letters: string, options: readonly NamedOption[]): Found[] {
  const found: (Found & { twice?: string })[] = [];
  for (let at = 0; at < letters.length && letters[at] !== '='; at++) {
    const option = options.find(({ short }) => short === letters[at]);
    if (!option) return [];
    const rest = letters.slice(at + 1);
    if (option.value !== undefined || rest.startsWith('=')) {
      found.push({ ...option, text: rest === '' ? undefined : rest.replace(/^=/, '') });
      break;
    }
    found.push(option);
  }
  const twice = found.find((option, at) => option.twice && found.indexOf(option) !== at)?.twice;
  const more = options.filter(({ name }) => name === twice);
  return [...more, ...found];
}

/**
 * The option that a word abbreviates, by name or letter. If several fit, those of the C suite go first, then the order of
 * the table counts; but a name goes before those that begin with it.
 */
function findOption(word: string, options: readonly NamedOption[]): NamedOption | undefined {
  const exact = options.find(({ long, short }) => long === word || short === word);
  if (exact) return exact;
  const matches = abbreviated(options, word);
  return matches.find(
    ({ long }) => !matches.some((other) => other.long !== long && long.startsWith(other.long)),
  );
}
