// SPDX-License-Identifier: MIT
/** Numbers as C's printf writes them, and large ones in six characters. */

/** `%0<width>x` */
export function hex(value: number | bigint, width: number): string {
  if (typeof value === 'number') {
    if (width === 8 && value <= 0xffff_ffff) return fourDigits(value >>> 16) + fourDigits(value & 0xffff);
    if (width === 4 && value <= 0xffff) return fourDigits(value);
    if (width === 2 && value <= 0xff) return twoDigits(value);
  }
  return value.toString(16).padStart(width, '0');
}

const fourDigits = (value: number): string => twoDigits(value >> 8) + twoDigits(value & 0xff);

/** By value; to look a text up is several times faster than to make it. */
const twoDigitTexts: string[] = [];

function twoDigits(value: number): string {
  if (twoDigitTexts.length === 0)
    for (let i = 0; i < 0x100; i++) twoDigitTexts.push(i.toString(16).padStart(2, '0'));
  return twoDigitTexts[value]!;
}

/** `%#x`: lower case with prefix, but 0 has none. */
export const prefixedHex = (value: number | bigint): string => (value ? `0x${value.toString(16)}` : '0');

/** The most decimals that toFixed gives. They are enough to recognize a tie at up to 10 places. */
const EXACT_DECIMALS = 100;

/**
 * `%.<places>f`. C rounds the exact binary value, and a tie to the even digit; toFixed rounds a tie up:
 * 0.125 with two places is 0.12 in C and 0.13 in JavaScript.
 * @param value not negative
 */
export function fixed(value: number, places: number): string {
  const exact = value.toFixed(EXACT_DECIMALS);
  const cut = exact.length - (EXACT_DECIMALS - places);
  const isTie = /^50*$/.test(exact.slice(cut));
  const isEven = '02468'.includes(exact.slice(0, cut).replace(/\.$/, '').at(-1)!);
  if (isTie && isEven) return exact.slice(0, cut).replace(/\.$/, '');
  return value.toFixed(places);
}

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'] as const;

/**
 * A count in at most six characters: unchanged up to 999, then four digits and a decimal unit, `1.005K`, `99.99K`,
 * `655.4K`. A value that rounds up to a thousand gets the next unit.
 * @param count not negative
 */
export function abbreviate(count: bigint): string {
  const digits = count.toString().length;
  if (digits <= 3) return count.toString();
  let exponent = Math.floor((digits - 1) / 3);
  let value = Number(count) / Number(1000n ** BigInt(exponent));
  const whole = digits - 3 * exponent;
  let places = 4 - whole;
  // Rounding may add a digit. The limits are literals, because 10 ** -4 is not exactly 1e-4 here.
  if (value + [0.5, 0.05, 0.005, 0.0005][places]! >= 10 ** whole) {
    places--;
    if (whole === 3) {
      exponent++;
      value = Number(count) / Number(1000n ** BigInt(exponent));
      places = 3;
    }
  }
  return `${fixed(value, places).padStart(5)}${UNITS[exponent]}`;
}
