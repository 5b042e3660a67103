// SPDX-License-Identifier: MIT
/** The JSON documents of the commands: what their types demand of the code that makes them, and writing by rows. */
import { type Json, stringify } from './json.ts';

/**
 * A document, or a part of one, as a command makes it: as its type says, but whole numbers may be bigint, because 64-bit
 * counters exceed what `number` holds. `unknown` in the type stands for any JSON.
 */
export type Made<T> = T extends number
  ? number | bigint
  : T extends string | boolean | null | undefined
    ? T
    : unknown extends T
      ? Json
      : { readonly [K in keyof T]: Made<T[K]> };

/** One item of a list. */
type Item<List> = List extends readonly (infer T)[] ? T : never;

/** Enough to spread the cost of a call; a text of more than 128 KB would take V8 a mapping of its own. */
const ROWS_AT_ONCE = 16;

/**
 * Writes `{"<key>": [rows…], …}` row by row, so that the document is never in memory as a whole. It is always closed, also
 * after a failure: `end()` takes the fields that follow the rows, such as an error.
 */
export class JsonRows<Doc, Key extends keyof Doc & string> {
  readonly #write: (text: string) => void;
  readonly #indent: number;
  readonly #key: string;
  #count = 0;

  constructor(write: (text: string) => void, key: Key, indent = 0) {
    this.#write = write;
    this.#key = key;
    this.#indent = indent;
  }

  row(value: Made<Item<Doc[Key]>>): void {
    const lead = this.#count++ === 0 ? this.#open() : ',';
    const newline = this.#indent ? `\n${' '.repeat(this.#indent * 2)}` : '';
    this.#write(`${lead}${newline}${stringify(value as Json, this.#indent, 2)}`);
  }

  /** The same for several, which takes less time. */
  rows(values: readonly Made<Item<Doc[Key]>>[]): void {
    if (this.#indent) for (const value of values) this.row(value);
    else
      for (let at = 0; at < values.length; at += ROWS_AT_ONCE) {
        const lead = this.#count === 0 ? this.#open() : ',';
        const some = values.slice(at, at + ROWS_AT_ONCE) as readonly Json[];
        this.#count += some.length;
        this.#write(lead + stringify(some).slice(1, -1));
      }
  }

  /** @param trailer fields after the rows, in order */
  end(trailer: Made<Omit<Doc, Key>>): void {
    const newline = this.#indent ? `\n${' '.repeat(this.#indent)}` : '';
    let text = this.#count === 0 ? `${this.#open()}]` : `${newline}]`;
    for (const [key, value] of Object.entries(trailer as { readonly [key: string]: Json }))
      if (value !== undefined)
        text += `,${newline}${JSON.stringify(key)}:${this.#indent ? ' ' : ''}${stringify(value, this.#indent, 1)}`;
    this.#write(`${text}${this.#indent ? '\n' : ''}}\n`);
  }

  #open(): string {
    const newline = this.#indent ? `\n${' '.repeat(this.#indent)}` : '';
    return `{${newline}${JSON.stringify(this.#key)}:${this.#indent ? ' ' : ''}[`;
  }
}
