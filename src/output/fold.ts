// SPDX-License-Identifier: MIT
/** Tables on a terminal that is narrower than they are: rows are broken between cells, never within one. */

import { printable } from './printable.ts';
import { type Column, headerLine, type Paint, rowLine, type Style } from './table.ts';

/** A table as lines; what is too wide for the terminal comes as several, without the last line end. */
export interface TableLines<Row> {
  header: string;
  /** @param last index of the last column to print for this row; default all */
  row(row: Row, last?: number): string;
}

/** Blanks before what continues a row; fewer where a cell would not fit otherwise. */
const INDENT = 2;

/** What starts a new line of a row: index of the column, blanks before it. */
type Breaks = ReadonlyMap<number, number>;

/**
 * Where a table fits, and where the width is not known, its lines are those of `headerLine` and `rowLine`. Elsewhere all
 * rows are broken before the same columns as the header, so that cells stay below their titles; a row whose cells are
 * wider than their columns is broken once more.
 * @param width of the terminal in characters; `undefined` or 0 when there is none, or it does not know
 * @param rows that are known beforehand: columns are taken to be as wide as their cells, too
 */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  paint: Paint,
  width: number | undefined,
  rows: readonly Row[] = [],
): TableLines<Row> {
  if (!width)
    return {
      header: paint('heading', headerLine(columns)),
      row: (row, last) => rowLine(columns, row, paint, last),
    };
  const breaks = breaksOf(columns, width, rows);
  return {
    header: fold(
      columns.map(({ header = '' }) => ({ text: header })),
      breaks,
      width,
    )
      .map((cells) => paint('heading', textOf(cells)))
      .join('\n'),
    row: (row, last = columns.length - 1) =>
      fold(
        columns.slice(0, last + 1).map(({ text, style }) => ({
          text: printable(text?.(row) ?? ''),
          style: style?.(row),
        })),
        breaks,
        width,
      )
        .map((cells) => cells.map(({ text, style }) => (style ? paint(style, text) : text)).join(''))
        .join('\n'),
  };
}

interface Cell {
  text: string;
  style?: Style | undefined;
}

const textOf = (cells: readonly Cell[]): string => cells.map(({ text }) => text).join('');

const indentFor = (cellWidth: number, width: number): number =>
  Math.max(0, Math.min(INDENT, width - cellWidth));

function breaksOf<Row>(columns: readonly Column<Row>[], width: number, rows: readonly Row[]): Breaks {
  const breaks = new Map<number, number>();
  let used = 0;
  columns.forEach((column, at) => {
    const { header = '' } = column;
    const cells = rows.map((row) => printable(column.text?.(row) ?? ''));
    const most = (lengths: readonly number[]): number => lengths.reduce((a, b) => Math.max(a, b), 0);
    // the blanks that end a cell part it from the next
    const seen = column.width ?? most([header, ...cells].map((text) => text.trimEnd().length));
    if (used > 0 && seen > 0 && used + seen > width) {
      const indent = indentFor(seen, width);
      breaks.set(at, indent);
      used = indent;
    }
    used += most([header, ...cells].map(({ length }) => length));
  });
  return breaks;
}

/** The lines of a row as cells; without blanks at their ends unless the row is one line that fits with them. */
function fold(cells: readonly Cell[], breaks: Breaks, width: number): Cell[][] {
  if (breaks.size === 0 && textOf(cells).length <= width) return [[...cells]];
  const lines: Cell[][] = [];
  let line: Cell[] = [];
  let used = 0;
  const begin = (indent: number): void => {
    line = indent > 0 ? [{ text: ' '.repeat(indent) }] : [];
    used = indent;
    lines.push(line);
  };
  begin(0);
  cells.forEach((cell, at) => {
    const seen = cell.text.trimEnd().length;
    const indent = breaks.get(at);
    if (indent !== undefined) begin(Math.min(indent, indentFor(seen, width)));
    else if (used > 0 && seen > 0 && used + seen > width) begin(indentFor(seen, width));
    line.push(cell);
    used += cell.text.length;
  });
  return lines.map(withoutBlankEnd).filter(({ length }, at) => length > 0 || at === 0);
}

function withoutBlankEnd(cells: readonly Cell[]): Cell[] {
  const kept = [...cells];
  for (let cell = kept.pop(); cell; cell = kept.pop()) {
    const text = cell.text.trimEnd();
    if (text !== '') return [...kept, { ...cell, text }];
  }
  return [];
}
