// SPDX-License-Identifier: MIT
/** Suggestions for misspelt words. */

/** With more mistakes than this, it is a different word. */
const MOST_MISTAKES = 2;

/**
 * The most similar word, in brackets, to be appended to a message: " (did you mean linkgroup?)".
 * @param words that are accepted in this place; the first of several equally similar ones is taken
 * @returns '' when none is similar
 */
export function didYouMean(given: string, words: readonly string[]): string {
  // a word with a third of its letters wrong is not similar
  const limit = Math.min(MOST_MISTAKES, Math.floor(given.length / 3));
  let best: { word: string; mistakes: number } | undefined;
  for (const word of words) {
    const mistakes = distance(given.toLowerCase(), word.toLowerCase());
    if (mistakes <= limit && (!best || mistakes < best.mistakes)) best = { word, mistakes };
  }
  return best ? ` (did you mean ${best.word}?)` : '';
}

/** How many characters to insert, delete, replace, or swap with their neighbour to turn one text into the other. */
function distance(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1];
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (isSame ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (isSwapped) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[one.length]![other.length]!;
}
