// SPDX-License-Identifier: MIT
/** Values of JSON documents, made from numbers that the kernel may not send. */
import { hex } from './numbers.ts';

/** Hexadecimal digits for JSON; null for what the kernel does not tell. */
export const hexOrNull = (value: number | bigint | undefined, width: number): string | null =>
  value === undefined ? null : hex(value, width);

const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

/** A 64-bit number as `number`, which takes less time to write, if that has all its digits. */
export const numberIfExact = (value: bigint): number | bigint => (value <= MAX_EXACT ? Number(value) : value);
