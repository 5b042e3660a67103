// SPDX-License-Identifier: MIT
/** Values of JSON documents, made from numbers that the kernel may not send. */
import type { Json } from './json.ts';
import { hex, prefixedHex } from './numbers.ts';

/** Hexadecimal digits for JSON; null for what the kernel does not tell. */
export const hexOrNull = (value: number | bigint | undefined, width: number): Json =>
  value === undefined ? null : hex(value, width);

/** Yes or no for JSON; null for what the kernel does not tell. */
export const booleanOrNull = (value: number | undefined): Json =>
  value === undefined ? null : Boolean(value);

/** Word for a number of an enumeration; unknown ones are spelled as hexadecimal number and `?`. */
export function enumWord(table: Readonly<Record<number, string>>, value: number): string {
  return table[value] ?? `${prefixedHex(value)}?`;
}

/** The same for JSON; null for what the kernel does not tell. */
export const enumWordOrNull = (table: Readonly<Record<number, string>>, value: number | undefined): Json =>
  value === undefined ? null : enumWord(table, value);
