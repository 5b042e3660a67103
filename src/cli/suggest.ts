// SPDX-License-Identifier: MIT
/** Words that a misspelt one may have meant. */

/** More mistakes than these are another word. */
const MOST_MISTAKES = 2;

/**
 * The word that is most like the given one, in brackets to go behind it: " (did you mean linkgroup?)".
 * @param words those that are understood there; of equals the first
 * @returns '' when none is like it
 */
export function didYouMean(given: string, words: readonly string[]): string {
  // a word of which a third is wrong is not like the other
  const limit = Math.min(MOST_MISTAKES, Math.floor(given.length / 3));
  let best: { word: string; mistakes: number } | undefined;
  for (const word of words) {
    const mistakes = distance(given.toLowerCase(), word.toLowerCase());
    if (mistakes <= limit && (!best || mistakes < best.mistakes)) best = { word, mistakes };
  }
  return best ? ` (did you mean ${best.word}?)` : '';
}

/** Characters to insert, delete, replace, or swap with their neighbour to make one text of the other. */
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
