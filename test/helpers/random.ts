// SPDX-License-Identifier: MIT

/** A number from 0 to `below` - 1. */
export type Random = (below: number) => number;

/** mulberry32: small, seeded, good enough. The same seed gives the same numbers on every machine. */
export function random(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
