// SPDX-License-Identifier: MIT
/** Options whose value is a number. */
import { oneOf, UsageError } from './options.ts';

/** What the number can be. */
export interface NumberRules {
  /** how it is written; `undefined` for what is not a number. Decimal digits by default */
  form?: (text: string) => number | undefined;
  min?: number;
  /** the number is larger than this */
  above?: number;
  max?: number;
  /** what is counted: "seconds" */
  of?: string;
  /** what else can be written, for the message: "or with k or m" */
  also?: string;
}

/**
 * The `parse` of an option that takes a number.
 * @throws UsageError "--port 'x': must be a number from 1 to 65535"
 */
export function number(rules: NumberRules): (text: string, option: string) => number {
  return (text, option) => {
    const value = readNumber(text, rules);
    if (value === undefined) throw new UsageError(`${option} '${text}': ${mustBe(rules)}`);
    return value;
  };
}

/** @returns `undefined` for what is not a number, or not one of these */
export function readNumber(
  text: string,
  { form = wholeNumber, min = 0, above = -1, max = Number.POSITIVE_INFINITY }: NumberRules,
): number | undefined {
  const value = form(text);
  return value !== undefined && value >= min && value > above && value <= max ? value : undefined;
}

/** What is said about a number that cannot be: "must be a number of seconds from 0.1 to 86400". */
export function mustBe({ min = 0, above, max, of, also }: NumberRules): string {
  if (max === min + 1 && !of) return `must be ${oneOf([String(min), String(max)])}`;
  const range =
    above !== undefined
      ? ` above ${above}${max === undefined ? '' : `, up to ${max}`}`
      : max === undefined
        ? `, ${min} or more`
        : ` from ${min} to ${max}`;
  return `must be a number${of ? ` of ${of}` : ''}${range}${also ? `, ${also}` : ''}`;
}

const wholeNumber = (text: string): number | undefined => (/^[0-9]+$/.test(text) ? Number(text) : undefined);

/** Also with digits behind a point. */
export const decimalNumber = (text: string): number | undefined =>
  /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : undefined;

/** As strtol(3) reads it: decimal, 0x hexadecimal, 0 octal. */
export function cNumber(text: string): number | undefined {
  const [, hex, octal, decimal] = /^\s*\+?(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))$/.exec(text) ?? [];
  if (hex) return Number.parseInt(hex, 16);
  if (octal !== undefined) return Number.parseInt(octal || '0', 8);
  return decimal ? Number(decimal) : undefined;
}
