// SPDX-License-Identifier: MIT
/**
 * How tests, benches and guest tools of the host wait: for a state, never for a time. `test/helpers/wait_for` is the same
 * for shell scripts, `waitFor` of `test/vm/suite.ts` for a guest. `test/waits.test.ts` finds what waits otherwise.
 */
import { inspect } from 'node:util';

/** Bound of all waits, in seconds. Only something that never comes takes that long: a busy machine is not a reason to fail. */
export const PATIENCE_S = 900;

const PAUSE_MS = 20;
const SHOWN_CHARACTERS = 4000;

/** How to wait. */
export interface WaitOptions {
  /** bound in seconds; {@link PATIENCE_S} by default */
  seconds?: number;
  /** what is there instead, for the message; by default the last value of the look */
  seen?: () => unknown;
}

/**
 * Looks again and again until there is a result that counts: anything but `undefined`, `null`, `false`, 0 and ''.
 * @param what what is awaited, for the message: "the server's port"
 * @throws Error with what was awaited and what was seen when the bound is over; and what the look throws, at once
 */
export async function waitUntil<T>(
  what: string,
  look: () => T | Promise<T>,
  { seconds = PATIENCE_S, seen }: WaitOptions = {},
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const isLast = performance.now() >= end;
    const found = await look();
    if (found) return found as Exclude<T, undefined | null | false | 0 | ''>;
    if (isLast) {
      const instead = inspect(seen ? await seen() : found, { breakLength: 100 }).slice(-SHOWN_CHARACTERS);
      throw new Error(`waited ${seconds} s for ${what}; seen instead: ${instead}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
