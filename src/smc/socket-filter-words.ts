// SPDX-License-Identifier: MIT
/** Splits a filter of sockets into words and signs. */

/** What is wrong with a filter. */
export class FilterError extends Error {
  /** where, in characters from 1 */
  readonly column: number;
  /** the words that are allowed there, to suggest one of them; empty if any word is */
  readonly words: readonly string[];
  /** what stands there; '' at the end */
  readonly found: string;
  /** what is expected there */
  readonly expected: string;

  constructor({ text, column }: Token, expected: string, words: readonly string[] = []) {
    super(`column ${column}: expected ${expected}`);
    this.column = column;
    this.found = text;
    this.expected = expected;
    this.words = words;
  }
}
FilterError.prototype.name = 'FilterError';

/** A word or sign of a filter. */
export interface Token {
  /** a word in quotes is never an operator */
  kind: 'sign' | 'word' | 'quoted' | 'end';
  text: string;
  /** of its first character, from 1 */
  column: number;
}

const TOKEN = /\s*(?:(&&|\|\||[=!<>]=|=[<>]|[(){}!=<>&|])|"([^"]*)"|'([^']*)'|([^\s(){}!=<>&|"']+))/y;

/**
 * The tokens of a filter, with one at its end.
 * @throws FilterError for a quotation mark without its second
 */
export function tokens(text: string): Token[] {
  const all: Token[] = [];
  const pattern = new RegExp(TOKEN);
  for (;;) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) {
      const column = start + /^\s*/.exec(text.slice(start))![0].length + 1;
      if (column <= text.length)
        throw new FilterError(
          { kind: 'word', text: text.slice(column - 1), column },
          'a second quotation mark',
        );
      all.push({ kind: 'end', text: '', column });
      return all;
    }
    const [whole, sign, double, single, word] = match;
    const quoted = double ?? single;
    const column = start + whole.length - whole.trimStart().length + 1;
    if (sign !== undefined) all.push({ kind: 'sign', text: sign, column });
    else if (quoted !== undefined) all.push({ kind: 'quoted', text: quoted, column });
    else all.push({ kind: 'word', text: word!, column });
  }
}
