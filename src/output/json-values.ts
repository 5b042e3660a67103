// SPDX-License-Identifier: MIT
/** Values of JSON documents, made from numbers that the kernel may not send. */
import { hex } from './numbers.ts';

/** Hexadecimal digits for JSON; null for what the kernel does not tell. */
export const hexOrNull = (value: number | bigint | undefined, width: number): string | null =>
  value === undefined ? null : hex(value, width);
