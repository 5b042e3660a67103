// SPDX-License-Identifier: MIT
/** What the numbers, flags and padded names of the kernel become: words, booleans, and names or `undefined`. */

/** A number that no word is known for. */
export type UnknownWord = `0x${string}?`;

/** Word for a number of an enumeration; unknown ones are spelled as hexadecimal number and `?`. */
export function enumWord<Word extends string>(
  table: Readonly<Record<number, Word>> & { readonly 0: Word },
  value: number | undefined,
): Word | UnknownWord | undefined {
  if (value === undefined) return undefined;
  const words: Readonly<Record<number, Word>> = table;
  return words[value] ?? `0x${value.toString(16)}?`;
}

/** The side that a host has in a link group. */
export type LinkRole = 'CLNT' | 'SERV';

/** enum smc_lgr_role */
export const linkRole = (role: number): LinkRole => (role === 0 ? 'CLNT' : 'SERV');

/** A flag; `undefined` when the kernel does not send it. */
export const flag = (value: number | undefined): boolean | undefined =>
  value === undefined ? undefined : value !== 0;

/** A name without the blanks around it; `undefined` when nothing is left. */
export const nameOf = (text: string | undefined): string | undefined => text?.trim() || undefined;
