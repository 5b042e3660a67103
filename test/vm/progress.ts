/** Writes one line about the guest bed to stderr, where it cannot mix with test results. */
export function report(text: string): void {
  process.stderr.write(`vm: ${text}\n`);
}

/**
 * Runs a step that may take long: says that it begins, and how many seconds it took when it is done.
 * A failing step only passes its error on.
 */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  report(`${what} …`);
  const begin = performance.now();
  const result = await work();
  report(`${what}: done in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return result;
}
