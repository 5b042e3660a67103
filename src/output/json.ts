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
  return jsonPrintable(bySystem(value, indent, level) ?? spell(value, indent, level));
}

/** JSON.stringify, several times faster; `undefined` where it refuses: 64-bit numbers as bigint, or nothing at all. */
function bySystem(value: Json, indent: number, level: number): string | undefined {
  try {
    const text = JSON.stringify(value, undefined, indent);
    return indent && level ? text?.replaceAll('\n', `\n${' '.repeat(indent * level)}`) : text;
  } catch {
    return undefined;
  }
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
