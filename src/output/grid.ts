// SPDX-License-Identifier: MIT
/** Tables with borders and wrapped cells, for people at a terminal. Loaded only on terminals. */
import Table from 'cli-table3';

/** A border, and a blank on each side of a cell. */
const CELL_FRAME = 3;
/** The least width of a column. */
const LEAST_WIDTH = 10;

/**
 * A table that fits the terminal. The widest columns are narrowed, and their text is wrapped at blanks.
 * @param head may contain colours, as may the cells
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
    // colours come from us, not from the package
    style: { head: [], border: [] },
  });
  table.push(...rows.map((row) => [...row]));
  return `${table.toString()}\n`;
}

/** Narrows the widest columns until all fit. */
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
