// SPDX-License-Identifier: MIT
/** Tables with borders and wrapped cells, for people at a terminal; loaded there only. */
import Table from 'cli-table3';

/** A border and a blank at either side of a cell. */
const CELL_FRAME = 3;
/** Columns are not made narrower than this. */
const LEAST_WIDTH = 10;

/**
 * A table that fits the terminal: the widest columns give way, their text is wrapped at blanks.
 * @param head may be painted, as the cells may
 * @param columns width of the terminal
 * @returns lines with their ends
 */
export function grid(head: readonly string[], rows: readonly (readonly string[])[], columns: number): string {
  const widths = fit(
    head.map((_, at) => Math.max(...[head, ...rows].map((row) => displayWidth(row[at] ?? '')))),
    columns - 1 - head.length * CELL_FRAME,
  );
  const table = new Table({
    head: [...head],
    colWidths: widths.map((width) => width + CELL_FRAME - 1),
    wordWrap: true,
    // colours are ours alone
    style: { head: [], border: [] },
  });
  table.push(...rows.map((row) => [...row]));
  return `${table.toString()}\n`;
}

/** Takes from the widest columns until all fit. */
function fit(natural: readonly number[], available: number): number[] {
  const widths = [...natural];
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - available; excess > 0; excess--) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= LEAST_WIDTH) break;
    widths[widest]!--;
  }
  return widths;
}

const displayWidth = (text: string): number =>
  Math.max(...text.split('\n').map((line) => [...line.replace(/\x1b\[[0-9;]*m/g, '')].length));
