// SPDX-License-Identifier: MIT
/**
 * JSON as all commands print it: one document, on one line in a pipe, indented on a terminal. 64-bit numbers are
 * written with all digits (JSON.stringify refuses them).
 */

import { jsonPrintable } from './printable.ts';

/** What a document may contain; a key whose value is `undefined` is left out. */
export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly Json[]
  | { readonly [key: string]: Json };

/**
 * @param indent blanks per level; 0 writes one line
 * @param level depth of the value in the document, for streaming
 */
export function stringify(value: Json, indent = 0, level = 0): string {
  return jsonPrintable(spell(value, indent, level));
}

function spell(value: Json, indent: number, level: number): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const isArray = Array.isArray(value);
  const parts = isArray
    ? (value as readonly Json[]).map((item) => spell(item, indent, level + 1))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${JSON.stringify(key)}:${indent ? ' ' : ''}${spell(item, indent, level + 1)}`);
  const [open, close] = isArray ? '[]' : '{}';
  if (parts.length === 0) return `${open}${close}`;
  if (!indent) return `${open}${parts.join(',')}${close}`;
  const inner = `\n${' '.repeat(indent * (level + 1))}`;
  return `${open}${inner}${parts.join(`,${inner}`)}\n${' '.repeat(indent * level)}${close}`;
}

/**
 * Writes `{"<key>": [rows…], …}` row by row, so that the document is never in memory as a whole. It is always closed, also
 * after a failure: `end()` takes the fields that follow the rows, such as an error.
 */
export class JsonRows {
  readonly #write: (text: string) => void;
  readonly #indent: number;
  readonly #key: string;
  #count = 0;

  constructor(write: (text: string) => void, key: string, indent = 0) {
    this.#write = write;
    this.#key = key;
    this.#indent = indent;
  }

  row(value: Json): void {
    const lead = this.#count++ === 0 ? this.#open() : ',';
    const newline = this.#indent ? `\n${' '.repeat(this.#indent * 2)}` : '';
    this.#write(`${lead}${newline}${stringify(value, this.#indent, 2)}`);
  }

  /** @param trailer fields after the rows, in order */
  end(trailer: { readonly [key: string]: Json } = {}): void {
    const newline = this.#indent ? `\n${' '.repeat(this.#indent)}` : '';
    let text = this.#count === 0 ? `${this.#open()}]` : `${newline}]`;
    for (const [key, value] of Object.entries(trailer))
      if (value !== undefined)
        text += `,${newline}${JSON.stringify(key)}:${this.#indent ? ' ' : ''}${stringify(value, this.#indent, 1)}`;
    this.#write(`${text}${this.#indent ? '\n' : ''}}\n`);
  }

  #open(): string {
    const newline = this.#indent ? `\n${' '.repeat(this.#indent)}` : '';
    return `{${newline}${JSON.stringify(this.#key)}:${this.#indent ? ' ' : ''}[`;
  }
}
