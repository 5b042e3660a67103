// SPDX-License-Identifier: MIT
/** Text tables from column declarations. This file knows rows and cells, not SMC. */
import type { Made } from './document.ts';
import type { Json } from './json.ts';
import { printable } from './printable.ts';

export { printable };

/** One column of text. */
interface TextColumn<Row> {
  /** title, padded with blanks to its width; absent: the column is in JSON only */
  header?: string;
  /**
   * the cell, padded with blanks to its width; '' leaves it out. Pass names through `printable` before padding. A name
   * for which this was forgotten is made printable when it is written, but then its width is wrong.
   */
  text?: (row: Row) => string;
  /** characters of the widest cell, where the header is narrower and rows are printed as they come */
  width?: number;
  /** colours of the cell on a terminal */
  style?: (row: Row) => Style | undefined;
  /** title in the view with one line per field; absent: the column is not in that view */
  label?: string;
  /** the value in that view; `undefined` leaves the line out */
  detail?: (row: Row) => string | undefined;
  /** the line of that view is only for people, and is left out where scripts may count lines */
  isExtra?: boolean;
}

/** One column: its text and its JSON value. */
export interface Column<Row> extends TextColumn<Row> {
  /** key in JSON; absent: the column is in text only */
  key?: string;
  json?: (row: Row) => Json;
}

/** A column whose key is one of the document's, with a value as the document says; or one that is in text only. */
export type DocumentColumn<Row, Doc> =
  | { [K in keyof Doc & string]: TextColumn<Row> & KeyAndValue<Row, Doc, K> }[keyof Doc & string]
  | (TextColumn<Row> & { key?: never; json?: never });

interface KeyAndValue<Row, Doc, K extends keyof Doc> {
  key: K;
  json: (row: Row) => Made<Doc[K]>;
}

/** In types only: the document that columns make. */
declare const document: unique symbol;

/** Columns with all keys of a document, see `documentColumns`. */
export interface DocumentColumns<Row, Doc> extends ReadonlyArray<DocumentColumn<Row, Doc>> {
  readonly [document]: Doc;
}

/**
 * Columns that make a document: a key that the document does not have, a value of another type and a key without a
 * column are errors of the compiler. Returns its argument.
 *
 *     const columns = documentColumns<PnetEntry, PnetTableRow>()([{ key: 'kind', json: ({ kind }) => kind }, …]);
 */
export const documentColumns =
  <Row, Doc>() =>
  <K extends keyof Doc & string = never>(
    columns: readonly (DocumentColumn<Row, Doc> & { key?: K })[] &
      ([Exclude<keyof Doc, K>] extends [never] ? unknown : { keysWithoutColumn: Exclude<keyof Doc, K> }),
  ): DocumentColumns<Row, Doc> =>
    columns as readonly DocumentColumn<Row, Doc>[] as DocumentColumns<Row, Doc>;

/** The same columns in JSON only. */
export function jsonOnly<Row, Doc>(columns: DocumentColumns<Row, Doc>): DocumentColumns<Row, Doc> {
  const bare = columns.map(({ key, json }) => (key && json ? { key, json } : {}));
  return bare as readonly unknown[] as DocumentColumns<Row, Doc>;
}

export type Style = 'good' | 'info' | 'bad' | 'alarm' | 'dim' | 'heading';

/** Colours a text; returns it unchanged when there is no colour. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;

/** The header line without its line end; nothing is trimmed. */
export function headerLine<Row>(columns: readonly Column<Row>[]): string {
  return columns.map((column) => column.header ?? '').join('');
}

/**
 * One row without its line end.
 * @param last index of the last column to print for this row; default all
 */
export function rowLine<Row>(
  columns: readonly Column<Row>[],
  row: Row,
  paint: Paint,
  last = columns.length - 1,
): string {
  let line = '';
  if (paint === plain) {
    for (let i = 0; i <= last; i++) line += columns[i]!.text?.(row) ?? '';
    // once for the whole line, because listings can be long
    return printable(line);
  }
  for (let i = 0; i <= last; i++) {
    const column = columns[i]!;
    const text = printable(column.text?.(row) ?? '');
    const style = column.style?.(row);
    line += style ? paint(style, text) : text;
  }
  return line;
}

/**
 * One row as a block of `label: value` lines, without line ends.
 * @param width that labels are padded to
 * @param extras include the lines that are only for people
 */
export function detailLines<Row>(
  columns: readonly Column<Row>[],
  row: Row,
  width: number,
  extras: boolean,
): string[] {
  const lines: string[] = [];
  for (const { label, detail, isExtra } of columns) {
    if (label === undefined || !detail || (isExtra && !extras)) continue;
    const value = detail(row);
    if (value !== undefined) lines.push(printable(`${label.padEnd(width)}: ${value}`));
  }
  return lines;
}

/** A column that is as wide as its widest cell. */
export interface FittedColumn<Row> {
  title: string;
  text: (row: Row) => string;
  style?: (row: Row) => Style | undefined;
}

/** A table in which each column is as wide as its widest cell, with two blanks between columns. */
export function fitted<Row>(columns: readonly FittedColumn<Row>[], rows: readonly Row[]): Column<Row>[] {
  return columns.map(({ title, text: raw, style }, at) => {
    const text = (row: Row): string => printable(raw(row));
    const isLast = at === columns.length - 1;
    const width = isLast ? 0 : Math.max(title.length, ...rows.map((row) => text(row).length)) + 2;
    return {
      header: title.padEnd(width),
      text: (row: Row) => text(row).padEnd(width),
      ...(style && { style }),
    };
  });
}

/** One row as an object with all keys, in column order. */
export function rowObject<Row, Doc>(columns: DocumentColumns<Row, Doc>, row: Row): Made<Doc> {
  const object: { [key: string]: Json } = {};
  for (const { key, json } of columns as readonly Column<Row>[]) if (key && json) object[key] = json(row);
  return object as Made<Doc>;
}
