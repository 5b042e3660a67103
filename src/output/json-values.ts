// SPDX-License-Identifier: MIT
/** Values of JSON documents, made from numbers that the kernel may not send. */
import { hex } from './numbers.ts';

/** Hexadecimal digits for JSON; null for what the kernel does not tell. */
export const hexOrNull = (value: number | bigint | undefined, width: number): string | null =>
  value === undefined ? null : hex(value, width);

/** Yes or no for JSON; null for what the kernel does not tell. */
export const booleanOrNull = (value: number | undefined): boolean | null =>
  value === undefined ? null : Boolean(value);

/** A number that no word is known for. */
export type UnknownWord = `0x${string}?`;

/** Words for the numbers of an enumeration; there is one for 0. */
type Words<Word extends string> = Readonly<Record<number, Word>> & { readonly 0: Word };

/** Word for a number of an enumeration; unknown ones are spelled as hexadecimal number and `?`. */
export function enumWord<Word extends string>(table: Words<Word>, value: number): Word | UnknownWord {
  return (table as Readonly<Record<number, Word>>)[value] ?? `0x${value.toString(16)}?`;
}

/** The same for JSON; null for what the kernel does not tell. */
export const enumWordOrNull = <Word extends string>(
  table: Words<Word>,
  value: number | undefined,
): Word | UnknownWord | null => (value === undefined ? null : enumWord(table, value));
