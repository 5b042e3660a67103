// SPDX-License-Identifier: MIT
/** How many damaged inputs a test makes. */

/**
 * FUZZ_CASES of the environment: a number, or `long`; without it, the short run.
 *
 * @param runs `short` takes a few seconds of processor time at most
 */
export function fuzzCases({ short, long }: { short: number; long: number }): number {
  const wanted = process.env['FUZZ_CASES'] || String(short);
  const cases = wanted === 'long' ? long : Number(wanted);
  if (!Number.isSafeInteger(cases) || cases < 1) throw new Error(`FUZZ_CASES=${wanted}: a number or "long"`);
  return cases;
}
