// SPDX-License-Identifier: MIT
/** Reads the values of a YAML document, and collects all that is wrong with them. */
import { oneOf, UsageError } from '../../cli/options.ts';
import { didYouMean } from '../../cli/suggest.ts';
import { SmcError } from '../../smc/error.ts';
import type { Place, Problem } from './file-error.ts';
import { isAlias, isMap, isScalar, isSeq, type ParsedNode, type ParsedText } from './yaml.ts';

/** A key with its value. */
export interface Entry {
  key: string;
  /** where the key is */
  at: ParsedNode;
  /** `null` when there is nothing behind the colon */
  value: ParsedNode | null;
}

export class NodeReader {
  readonly problems: Problem[] = [];
  readonly #text: ParsedText;

  constructor(text: ParsedText) {
    this.#text = text;
  }

  placeOf(node: ParsedNode | null): Place {
    return this.#text.placeOf(node?.range[0] ?? 0);
  }

  problem(node: ParsedNode | null, message: string, hint?: string): void {
    this.problems.push({ ...this.placeOf(node), message, hint });
  }

  /**
   * Keys and values of a mapping; each key once.
   * @param at stands for the value where there is none
   * @param path of the mapping: "pnet.NET1"
   * @returns `undefined` when it is no mapping
   */
  mapping(node: ParsedNode | null, path: string, at: ParsedNode | null): Entry[] | undefined {
    if (!isMap<ParsedNode, ParsedNode | null>(node)) {
      const isEmpty = node === null || isNull(node);
      const hint = path === '' ? 'a file has at least the key version' : isEmpty ? emptyHint('{}') : '';
      this.#wrongType(node, path, at, 'keys with values', hint);
      return undefined;
    }
    const entries = new Map<string, Entry>();
    for (const { key: at, value } of node.items) {
      if (!isScalar(at)) {
        this.problem(at, `${path === '' ? '' : `${path}: `}a key must be a word, not ${kindOf(at)}`);
        continue;
      }
      // 100 and true are names, too
      const key = typeof at.value === 'string' ? at.value : (at.source ?? '');
      const first = entries.get(key);
      if (first) this.#twice(at, `${inside(path)}${key}`, first);
      else entries.set(key, { key, at, value });
    }
    return [...entries.values()];
  }

  /**
   * Fields of a mapping with known keys.
   * @param refused keys that are known, but not allowed here, with the reason
   */
  fields<K extends string>(
    node: ParsedNode | null,
    path: string,
    at: ParsedNode | null,
    known: readonly K[],
    refused: Readonly<Record<string, string>> = {},
  ): Map<K, Entry> | undefined {
    const entries = this.mapping(node, path, at);
    if (!entries) return undefined;
    const fields = new Map<K, Entry>();
    for (const entry of entries) {
      const { key } = entry;
      if (known.includes(key as K)) fields.set(key as K, entry);
      else if (Object.hasOwn(refused, key))
        this.problem(entry.at, `${inside(path)}${key} is not possible here`, refused[key]);
      else
        this.problem(
          entry.at,
          `there is no key ${inside(path)}${key}${didYouMean(key, known)}`,
          `possible here: ${known.join(', ')}`,
        );
    }
    return fields;
  }

  /** @returns the items; `undefined` when it is no list */
  list({ value, at }: Entry, path: string): (ParsedNode | null)[] | undefined {
    if (isSeq<ParsedNode | null>(value)) return value.items;
    const word = isScalar(value) && typeof value.value === 'string' ? value.value : undefined;
    const hint = word ? `write [${word}]` : value === null || isNull(value) ? emptyHint('[]') : '';
    this.#wrongType(value, path, at, 'a list', hint);
    return undefined;
  }

  /** A name. Numbers and the like have to be in quotes, so that each reader of YAML sees the same. */
  text(node: ParsedNode | null, path: string, at: ParsedNode | null): string | undefined {
    if (isScalar(node) && typeof node.value === 'string') return node.value;
    const isPlain = isScalar(node) && ['number', 'boolean'].includes(typeof node.value);
    const source = isPlain ? node.source : undefined;
    this.#wrongType(node, path, at, 'a text', source ? `write '${source}' in quotes` : '');
    return undefined;
  }

  boolean({ value, at }: Entry, path: string): boolean | undefined {
    if (isScalar(value) && typeof value.value === 'boolean') return value.value;
    const word = isScalar(value) ? OLD_BOOLEANS[String(value.value).toLowerCase()] : undefined;
    this.#wrongType(value, path, at, 'true or false', word === undefined ? '' : `write ${word}`);
    return undefined;
  }

  number({ value, at }: Entry, path: string, wanted: string): number | undefined {
    if (isScalar(value) && typeof value.value === 'number') return value.value;
    this.#wrongType(value, path, at, wanted, '');
    return undefined;
  }

  /** @returns a number as it is written, or a text */
  numberOrText({ value, at }: Entry, path: string): string | undefined {
    if (isScalar(value)) {
      if (typeof value.value === 'string') return value.value;
      if (typeof value.value === 'number') return numberText(value.value, value.source);
    }
    this.#wrongType(value, path, at, 'a number or a text', '');
    return undefined;
  }

  /** One of some words. */
  choice<C extends string>({ value, at }: Entry, path: string, choices: readonly C[]): C | undefined {
    if (isScalar(value) && choices.includes(value.value as C)) return value.value as C;
    this.#wrongType(value, path, at, oneOf(choices), '');
    return undefined;
  }

  /** The result of a check that throws the words for what is wrong. */
  checked<T>(node: ParsedNode | null, path: string, check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      if (error instanceof SmcError) this.problem(node, `${path}: ${error.message}`, error.hint);
      else if (error instanceof UsageError) this.problem(node, `${path}: ${error.message}`);
      else throw error;
      return undefined;
    }
  }

  /** That something was there before, in other letters or in another place. */
  twice(at: ParsedNode | null, what: string, first: Place): void {
    this.problem(at, `${what} is there twice`, `the first is in line ${first.line}`);
  }

  #twice(at: ParsedNode, what: string, first: Entry): void {
    this.twice(at, what, this.placeOf(first.at));
  }

  #wrongType(
    node: ParsedNode | null,
    path: string,
    at: ParsedNode | null,
    wanted: string,
    hint: string,
  ): void {
    const what = path === '' ? 'the file' : path;
    const isMissing = node === null || (isScalar(node) && isNull(node) && node.source === '');
    if (isAlias(node))
      this.problem(node, `${what}: aliases (*${node.source}) are not supported`, 'write it out');
    else
      this.problem(
        isMissing ? at : node,
        `${what} must be ${wanted}, not ${kindOf(node)}`,
        hint === '' ? undefined : hint,
      );
  }
}

/** What to write instead of nothing. */
const emptyHint = (written: string): string => `write ${written} if there is nothing in it, or leave it out`;

/** What older versions of YAML had for true and false, and these in quotes. */
const OLD_BOOLEANS: Readonly<Record<string, boolean>> = {
  on: true,
  yes: true,
  true: true,
  off: false,
  no: false,
  false: false,
};

/** As it is in front of a key. */
const inside = (path: string): string => (path === '' ? '' : `${path}.`);

const isNull = (node: ParsedNode): boolean => isScalar(node) && node.value === null;

/** With all digits, if the text has nothing else. */
const numberText = (value: number, source: string | undefined): string =>
  /^-?[1-9]\d*$/.test(source ?? '') ? source! : String(value);

const LONGEST_SHOWN = 40;

function kindOf(node: ParsedNode | null): string {
  if (isMap(node)) return 'keys with values';
  if (isSeq(node)) return 'a list';
  if (isAlias(node)) return 'an alias';
  if (!isScalar(node) || isNull(node)) return 'nothing';
  const { value, source = '' } = node;
  const text = typeof value === 'string' ? value : source;
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  if (typeof value === 'string') return `the text '${shown}'`;
  return typeof value === 'number' ? `the number ${shown}` : shown;
}
