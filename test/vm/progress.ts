import { step as anyStep, say } from '../../scripts/entry.mjs';

/** Writes one line about the guest bed to stderr, where it cannot mix with test results. */
export function report(text: string): void {
  say('vm', text);
}

/**
 * Runs a step that may take long: says that it begins, every ten seconds how long it has run, and how many seconds it
 * took when it is done. A failing step only passes its error on.
 *
 * @param work gets a function that takes a word on how far it is
 */
export function step<T>(what: string, work: (tell: (detail: string) => void) => Promise<T>): Promise<T> {
  return anyStep('vm', what, work);
}
