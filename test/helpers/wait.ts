// SPDX-License-Identifier: MIT
/**
 * How tests, benches and guest tools wait on the host: for a state, never for a fixed time. `test/helpers/wait_for` does
 * the same for shell scripts, `waitFor` of `test/vm/suite.ts` for a guest. `test/waits.test.ts` finds other waits.
 */
import { inspect } from 'node:util';

/** Limit of all waits, in seconds. It is reached only if the state never comes, not because the machine is busy. */
export const PATIENCE_S = 900;

const PAUSE_MS = 20;
const SHOWN_CHARACTERS = 4000;

/** How to wait. */
export interface WaitOptions {
  /** limit in seconds; {@link PATIENCE_S} by default */
  seconds?: number;
  /** describes what was seen instead, for the message; by default the last value of `look` */
  seen?: () => unknown;
}

/**
 * Calls `look` again and again until it returns a result other than `undefined`, `null`, `false`, 0 and ''.
 * @param what what is awaited, for the message: "the server's port"
 * @throws Error that says what was awaited and what was seen, when the limit is reached; errors of `look`, at once
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
