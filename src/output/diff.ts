// SPDX-License-Identifier: MIT
/** A difference between two texts, as diff -u prints it and patch(1) reads it. */

/** Unchanged lines around the change. */
const CONTEXT = 3;

/**
 * One hunk from the first line that differs to the last one. That is short enough here, because the change is always a
 * whole file or a part at its end.
 * @param before null: the file is new
 * @param after null: the file is removed
 * @returns lines without line ends; none when both are the same
 */
export function unifiedDiff(path: string, before: string | null, after: string | null): string[] {
  if (before === after) return [];
  const [old, now] = [linesOf(before), linesOf(after)];
  let same = 0;
  while (same < Math.min(old.length, now.length) && old[same] === now[same]) same++;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - same && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const start = Math.max(0, same - CONTEXT);
  const rest = Math.min(tail, CONTEXT);
  const range = (lines: readonly string[]): string => {
    const count = lines.length - tail + rest - start;
    return `${count === 0 ? start : start + 1},${count}`;
  };
  const marked = (mark: string, lines: readonly string[]): string[] =>
    lines.flatMap((line) =>
      line.endsWith('\n')
        ? [`${mark}${line.slice(0, -1)}`]
        : [`${mark}${line}`, '\\ No newline at end of file'],
    );
  return [
    `--- ${before === null ? '/dev/null' : path}`,
    `+++ ${after === null ? '/dev/null' : path}`,
    `@@ -${range(old)} +${range(now)} @@`,
    ...marked(' ', old.slice(start, same)),
    ...marked('-', old.slice(same, old.length - tail)),
    ...marked('+', now.slice(same, now.length - tail)),
    ...marked(' ', old.slice(old.length - tail, old.length - tail + rest)),
  ];
}

/** Lines with their ends. */
function linesOf(text: string | null): string[] {
  return text?.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
