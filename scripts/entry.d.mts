// SPDX-License-Identifier: MIT
/** Types of entry.mjs, which is plain JavaScript since it runs before anything is installed. */

export const root: string;
export class Problem extends Error {}
export function cacheBase(): string;
export function say(who: string, text: string): void;
export function step<T>(
  who: string,
  what: string,
  work: (tell: (detail: string) => void) => Promise<T>,
  tickMs?: number,
): Promise<T>;
export function oneLine(error: unknown): string;
export function keepDetails(name: string, text: string): string | undefined;
export function tellFailure(name: string, error: unknown): void;
