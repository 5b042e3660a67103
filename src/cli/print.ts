// SPDX-License-Identifier: MIT
/** Prints what every command prints: a document, a table. */
import type { Made } from '../output/document.ts';
import { tableLines } from '../output/fold.ts';
import { type Json, stringify } from '../output/json.ts';
import { type Column, type DocumentColumns, rowObject } from '../output/table.ts';
import type { Context } from './run.ts';

/** Prints the one document of a run with --json; each call names the document's type. */
export function writeDocument<Doc = never>({ io }: Pick<Context, 'io'>, document: NoInfer<Made<Doc>>): void {
  io.write(`${stringify(document as Json, io.isTerminal ? 2 : 0)}\n`);
}

/**
 * Prints a table. As in the C suite nothing at all comes out when the kernel's table is empty, and only the header when
 * a selection leaves nothing; a terminal is told.
 * @param total rows before the selection
 * @param what names the rows, for that message
 */
export function writeTable<Row>(
  { io, paint, note }: Context,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  total: number,
  what: string,
): void {
  const table = tableLines(columns, paint, io.columns, rows);
  if (total > 0) io.write(`${table.header}\n`);
  for (const row of rows) io.write(`${table.row(row)}\n`);
  if (rows.length === 0) noteEmpty({ io, note }, total, what);
}

/** On a terminal: that there is nothing to show. Scripts see no output and status 0. */
export function noteEmpty({ io, note }: Pick<Context, 'io' | 'note'>, total: number, what: string): void {
  if (io.isTerminal) note(total > 0 ? `none of the ${total} ${what} was selected` : `there are no ${what}`);
}

/** Prints the lines of a unified difference, coloured. */
export function writeDifference(
  { io, paint }: Pick<Context, 'io' | 'paint'>,
  lines: readonly string[],
): void {
  for (const line of lines) {
    const style = /^\+(?!\+\+)/.test(line) ? 'good' : /^-(?!--)/.test(line) ? 'bad' : undefined;
    io.write(`${style ? paint(style, line) : line}\n`);
  }
}

/** Rows as JSON, by the same declaration as the table. */
export function rowObjects<Row, Doc>(columns: DocumentColumns<Row, Doc>, rows: readonly Row[]): Made<Doc>[] {
  return rows.map((row) => rowObject(columns, row));
}
