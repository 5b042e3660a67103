// SPDX-License-Identifier: MIT
/**
 * Values in the JSON of several commands. The files of this folder are the description of that JSON: the library
 * exports the types of documents, and `npm run schemas` makes schemas/ of them. Comments become descriptions; null is what does not
 * apply or is not known.
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
 * Number that this version has no name for.
 * @pattern ^0x[0-9a-f]+\?$
 */
export type UnknownNumber = `0x${string}?`;

/**
 * A time in UTC.
 * @pattern ^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$
 */
export type Time = string;

/** Why a connection is TCP. */
export interface Reason {
  /**
   * Code of the reason why SMC was declined.
   * @pattern ^0x[0-9a-f]{8}$
   */
  code: string;
  /** the kernel's name; null for an unknown code */
  name: string | null;
  /** what it means; null for an unknown code */
  text: string | null;
}
