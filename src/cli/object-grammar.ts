// SPDX-License-Identifier: MIT
/**
 * The grammar of smcd and smcr: `COMMAND [options] OBJECT [words]`. Keywords can be shortened to any prefix; if several
 * match, the first one in the documented order wins. Options have one or two dashes and can be shortened in the same way.
 */
import { Answer, UsageError } from './options.ts';
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
 * @throws Answer for "help"; UsageError
 */
export function parseAction<K extends string>(
  words: readonly string[],
  keywords: readonly K[],
  { repeat = false, none }: { repeat?: boolean; none: K },
): K {
  let action: K | undefined;
  for (const word of words) {
    const keyword = matchKeyword(word, ['help', ...keywords] as const);
    if (keyword === 'help') throw new Answer('help');
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
 * @throws Answer for "help"; UsageError
 */
export function parseSelection<V extends string>(
  words: readonly string[],
  { verbs, takesId, takesDevices }: SelectionRules<V>,
): { verb: V; selection: Selection } {
  const [first = ''] = words;
  // a single word is tried as help first, so "h" is help
  const leading = matchKeyword(first, ['help', ...verbs] as const);
  if (leading === 'help') throw new Answer('help');
  const rest = leading ? words.slice(1) : [...words];
  const verb = (leading ?? verbs[0]) as V;
  const keywords = ['all', ...(takesDevices ? ['ibdev', 'netdev'] : []), ...(leading ? [] : verbs)];
  let hasAll = false;
  while (rest.length > 0) {
    const word = rest.shift()!;
    const keyword = matchKeyword(word, ['help', 'all', 'ibdev', 'netdev'] as const);
    if (keyword === 'help') throw new Answer('help');
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

/** Every line that `parseSelection` accepts, in the form of `Syntax.operands`. */
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

/** Options with a value. */
const VALUE_OPTIONS = ['interval', 'count', 'color', 'netns', 'from'] as const;
/** Options in the order in which prefixes are tried. */
const OPTIONS = [
  'absolute',
  'version',
  'details',
  'ddetails',
  'help',
  'json',
  ...VALUE_OPTIONS,
  'from-machine-id',
] as const;

/** An option and its value, which follows `=` or directly the letter N. */
const WORD = /^--?([adhjv]*N|[^=]*)(.*)$/s;

/** Letters that can be combined after one dash; `dd` among them means ddetails. */
const CLUSTER = /^[adhjv]*N?$/;

const LETTERS: Readonly<Record<string, (typeof OPTIONS)[number]>> = {
  a: 'absolute',
  d: 'details',
  h: 'help',
  j: 'json',
  N: 'netns',
  v: 'version',
};

/**
 * Rewrites the command line of smcd and smcr into the form that getopt_long expects: options, `--`, words. Unknown options
 * stay as they are, and the parser rejects them. Options can also follow the object; `--help` there means the object's help.
 * Negative numbers are words.
 * @throws UsageError for a lone dash
 */
export function rewriteOptions(argv: readonly string[]): string[] {
  const given: string[] = [];
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || /^-\d/.test(word)) {
      words.push(word);
      continue;
    }
    const [, body = '', rest = ''] = WORD.exec(word) ?? [];
    const value = rest && `=${rest.replace(/^=/, '')}`;
    if (body === '') throw new UsageError(`'${word}' is not an option`);
    const options = expand(body);
    if (!options) {
      given.push(word);
      continue;
    }
    for (const [at, option] of options.entries()) {
      const isLast = at === options.length - 1;
      if (option === 'help' && words.length > 0) words.splice(1, 0, 'help');
      else given.push(`--${option}${isLast ? value : ''}`);
      const takesNext = (VALUE_OPTIONS as readonly string[]).includes(option) && value === '';
      // the value is missing: nothing may follow that could be mistaken for it
      if (takesNext && i + 1 === argv.length) return given;
      if (takesNext) given.push(argv[++i]!);
    }
  }
  return words.length > 0 ? [...given, '--', ...words] : given;
}

function expand(body: string): readonly string[] | undefined {
  const option = matchKeyword(body, OPTIONS);
  if (option) return [option];
  if (!CLUSTER.test(body)) return undefined;
  const options = [...body].map((letter) => LETTERS[letter]!);
  const isTwice = options.filter((name) => name === 'details').length > 1;
  return isTwice ? ['ddetails', ...options] : options;
}
