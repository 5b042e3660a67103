// SPDX-License-Identifier: MIT
/** Parses the command line of a wrapper, as getopt(3) and getopt_long(3) do. */
import type { Wrapper } from './wrapper-table.ts';

export interface CommandLine {
  /** all words after the name */
  given: readonly string[];
  /** the words that are not options */
  operands: readonly string[];
  /** Whether one of these options is given. A single dash is treated as an option. */
  has(...names: string[]): boolean;
  /** The last value of one of these options. */
  value(...names: string[]): string | undefined;
}

/**
 * @param given words after the name
 * @returns if the line cannot be parsed, the unknown option, as a string
 */
export function takeApart(given: readonly string[], wrapper: Wrapper): CommandLine | string {
  const options: [string, string | undefined][] = [];
  const operands: string[] = [];
  const rest = [...given];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      operands.push(...rest);
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      if (word === '-') options.push(['-', undefined]);
      if (wrapper.isPermuted) continue;
      operands.push(...rest);
      break;
    }
    if (wrapper.isLoose) continue;
    const found = longOption(word, rest, wrapper) ?? shortOptions(word, rest, wrapper);
    if (!found) return word;
    options.push(...found);
  }
  return {
    given,
    operands,
    has: (...names) => options.some(([name]) => names.includes(name)),
    value: (...names) => options.findLast(([name]) => names.includes(name))?.[1],
  };
}

type Options = [string, string | undefined][];

/** Takes the values of a long option out of `rest`. */
function longOption(word: string, rest: string[], { long = '', isSingleDash }: Wrapper): Options | undefined {
  const [, dashes, name = '', glued] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  if (dashes === undefined || (dashes === '-' && !isSingleDash)) return undefined;
  const known = ['help', 'version', ...long.split(' ')].map((entry) => {
    const [, word = '', form] = /^([^=:]+)(=\??|:\d)?$/.exec(entry) ?? [];
    return { word, form };
  });
  // after a single dash it may be a cluster of short options, so only full names match
  const hits = known.filter((entry) => entry.word === name);
  if (hits.length === 0 && dashes === '--')
    hits.push(...known.filter((entry) => entry.word.startsWith(name)));
  const [hit, second] = hits;
  // a single letter is a short option with several values
  if (!hit || second || (name.length === 1 && hit.word !== name)) return undefined;
  if (glued !== undefined) return [[hit.word, glued]];
  if (!hit.form || hit.form === '=?') return [[hit.word, undefined]];
  const values = rest.splice(0, hit.form === '=' ? 1 : Number(hit.form.slice(1)));
  return [[hit.word, values[0]]];
}

/** The same for a word of short options. */
function shortOptions(word: string, rest: string[], { short = '' }: Wrapper): Options | undefined {
  if (word.startsWith('--')) return undefined;
  const options: Options = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word[at]!;
    const index = letter === ':' ? -1 : short.indexOf(letter);
    if (index < 0) return undefined;
    const glued = word.slice(at + 1);
    if (short.startsWith('::', index + 1)) return [...options, [letter, glued || undefined]];
    if (short[index + 1] === ':') return [...options, [letter, glued || rest.shift()]];
    options.push([letter, undefined]);
  }
  return options;
}
