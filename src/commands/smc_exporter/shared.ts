// SPDX-License-Identifier: MIT

/** Makes a function of which only one call is under way: whoever calls meanwhile gets the same result. */
export function shared<T>(run: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | undefined;
  return () => {
    current ??= run().finally(() => {
      current = undefined;
    });
    return current;
  };
}
