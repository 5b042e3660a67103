// SPDX-License-Identifier: MIT
import { whyNotSeen } from './explain.ts';

/** Something that was looked for: its value, or why it cannot be seen. */
export type Observed<T> =
  | { readonly value: T }
  | {
      readonly value?: undefined;
      /** in a few words, lower case */
      readonly why: string;
      /** the failure itself, as far as there was one */
      readonly error?: unknown;
    };

/**
 * Looks at something; a failure becomes the reason why it cannot be seen.
 * @throws what says nothing about the host, see `whyNotSeen`
 */
export async function observe<T>(at: () => T | Promise<T>): Promise<Observed<T>> {
  try {
    return { value: await at() };
  } catch (error) {
    return { why: whyNotSeen(error), error };
  }
}

/** `observe` for what is read at once. */
export function observeNow<T>(at: () => T): Observed<T> {
  try {
    return { value: at() };
  } catch (error) {
    return { why: whyNotSeen(error), error };
  }
}
