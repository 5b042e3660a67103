// SPDX-License-Identifier: MIT
/**
 * Values in the JSON of several commands. The files of this folder are the description of that JSON: the library
 * exports the types of documents, `npm run schemas` makes schemas/ of them, and `npm run man` the sections JSON of the man
 * pages. Comments become descriptions. A field without a comment has that of the field before it, if both are of one
 * type: write none where fields have it in common. Allowed words follow from the type. In backticks are words, options
 * and fields. Null is what does not apply or is not known.
 */

/**
 * Whole number, written with all its digits; 64-bit counters may exceed what a double represents exactly.
 * @asType integer
 */
export type Integer = number;

/**
 * Hexadecimal digits without a prefix.
 * @pattern ^[0-9a-f]+$
 */
export type Hex = string;

/**
 * A number that this version has no name for, such as `0x7f?`.
 * @pattern ^0x[0-9a-f]+\?$
 */
export type UnknownNumber = `0x${string}?`;

/**
 * Time in UTC, such as 2026-01-31T12:00:00.000Z.
 * @pattern ^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$
 */
export type Time = string;

/** Why a connection is TCP. */
export interface Reason {
  /**
   * reason code with the prefix 0x, as smcss(8) lists them
   * @pattern ^0x[0-9a-f]{8}$
   */
  code: string;
  /** the kernel's name; null for an unknown code */
  name: string | null;
  /** what it means; null for an unknown code */
  text: string | null;
}
