// SPDX-License-Identifier: MIT
/** Sizes in bytes as people write them. */

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1_048_576 };

/**
 * @param text decimal digits, then perhaps k or K for 1024, or m or M for 1048576
 * @returns bytes; `undefined` when it is not a size
 */
export function parseByteCount(text: string): number | undefined {
  const [, digits, unit = ''] = /^([0-9]+)([kKmM]?)$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * FACTORS[unit.toLowerCase()]!;
}
