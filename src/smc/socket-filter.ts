// SPDX-License-Identifier: MIT
/**
 * Filters of sockets, in the grammar of ss(8):
 *
 *     filter = term { ('or' | '|' | '||') term }
 *     term   = factor { ['and' | '&' | '&&'] factor }
 *     factor = { 'not' | '!' } ( '(' filter ')' | '{' filter '}' | condition )
 *
 * The conditions are in socket-filter-fields.ts. States that follow each other are alternatives, as in ss:
 * `state established state listening`.
 */
import type { SeenSocket } from './seen-socket.ts';
import { CONDITIONS, type FilterNames, type FilterNeed, type Test } from './socket-filter-fields.ts';
import { FilterError, type Token, tokens } from './socket-filter-words.ts';

/** A filter that is ready for use. */
export interface SocketFilter {
  matches(socket: SeenSocket): boolean;
  /** what has to be known of a socket beyond the basics */
  needs: ReadonlySet<FilterNeed>;
  /** the filter asks for states, so those that a list leaves out otherwise are wanted, too */
  choosesStates: boolean;
}

/** Deeper filters are refused: nobody needs them, and each level takes room on the stack. */
const MOST_LEVELS = 100;

const isOr = (token: Token): boolean => isSign(token, ['|', '||'], 'or');
const isAnd = (token: Token): boolean => isSign(token, ['&', '&&'], 'and');
const isNot = (token: Token): boolean => isSign(token, ['!'], 'not');
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '{': '}' };

const NEXT_FACTOR = 'a condition, not, ( or {';
const NEXT_AFTER = 'and, or, another condition or the end';

/** @throws FilterError */
export function parseSocketFilter(text: string, names: FilterNames): SocketFilter {
  const parser = new Parser(tokens(text), names);
  const matches = parser.whole();
  return { matches, needs: parser.needs, choosesStates: parser.choosesStates };
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #names: FilterNames;
  #at = 0;
  #level = 0;
  readonly needs = new Set<FilterNeed>();
  choosesStates = false;

  constructor(all: readonly Token[], names: FilterNames) {
    this.#tokens = all;
    this.#names = names;
  }

  whole(): Test {
    const test = this.#alternatives();
    if (this.#next.kind !== 'end') throw new FilterError(this.#next, NEXT_AFTER, ['and', 'or', ...WORDS]);
    return test;
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #take(): Token {
    const token = this.#next;
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  #alternatives(): Test {
    const tests = [this.#conjunction()];
    while (isOr(this.#next)) {
      this.#take();
      tests.push(this.#conjunction());
    }
    return tests.length === 1 ? tests[0]! : (socket) => tests.some((test) => test(socket));
  }

  #conjunction(): Test {
    const tests = [this.#factor()];
    for (;;) {
      if (isAnd(this.#next)) this.#take();
      else if (!this.#startsFactor()) break;
      tests.push(this.#factor());
    }
    return tests.length === 1 ? tests[0]! : (socket) => tests.every((test) => test(socket));
  }

  /** Whether a factor follows without an `and` before it. */
  #startsFactor(): boolean {
    const { kind, text } = this.#next;
    return isNot(this.#next) || text in CLOSING || (kind === 'word' && conditionOf(text) !== undefined);
  }

  #factor(): Test {
    let isNegated = false;
    for (; isNot(this.#next); this.#take()) isNegated = !isNegated;
    const test = this.#bracketsOrCondition();
    return isNegated ? (socket) => !test(socket) : test;
  }

  #bracketsOrCondition(): Test {
    const token = this.#take();
    const closing = token.kind === 'sign' ? CLOSING[token.text] : undefined;
    if (closing !== undefined) {
      if (++this.#level > MOST_LEVELS)
        throw new FilterError(token, `a filter with at most ${MOST_LEVELS} brackets inside each other`);
      const test = this.#alternatives();
      if (this.#next.text !== closing || this.#next.kind !== 'sign')
        throw new FilterError(this.#next, `and, or, another condition or ${closing}`, [
          'and',
          'or',
          ...WORDS,
        ]);
      this.#take();
      this.#level--;
      return test;
    }
    const condition = token.kind === 'word' ? conditionOf(token.text) : undefined;
    if (!condition) throw new FilterError(token, NEXT_FACTOR, token.kind === 'word' ? ['not', ...WORDS] : []);
    for (const need of condition.needs ?? []) this.needs.add(need);
    if (condition.isState) return this.#states(token);
    return condition.read({ take: () => this.#take(), peek: () => this.#next, names: this.#names });
  }

  /** `state A state B exclude C`: A or B, but not C. */
  #states(first: Token): Test {
    this.choosesStates = true;
    const wanted: Test[] = [];
    const excluded: Test[] = [];
    for (let word: Token | undefined = first; word; ) {
      const condition = conditionOf(word.text)!;
      const test = condition.read({ take: () => this.#take(), peek: () => this.#next, names: this.#names });
      (word.text.toLowerCase() === 'exclude' ? excluded : wanted).push(test);
      const { kind, text } = this.#next;
      word = kind === 'word' && conditionOf(text)?.isState ? this.#take() : undefined;
    }
    return (socket) =>
      (wanted.length === 0 || wanted.some((test) => test(socket))) && !excluded.some((test) => test(socket));
  }
}

function isSign({ kind, text }: Token, signs: readonly string[], word: string): boolean {
  return kind === 'sign' ? signs.includes(text) : kind === 'word' && text.toLowerCase() === word;
}

const WORDS: readonly string[] = Object.keys(CONDITIONS);

function conditionOf(word: string): (typeof CONDITIONS)[string] | undefined {
  const name = word.toLowerCase();
  return Object.hasOwn(CONDITIONS, name) ? CONDITIONS[name] : undefined;
}
