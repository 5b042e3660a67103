// SPDX-License-Identifier: MIT
/** What the objects of smcd and smcr have in common. */
import type { Syntax } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';
import { tableLines } from '../../output/fold.ts';
import { type Json, stringify } from '../../output/json.ts';
import { hex, prefixedHex } from '../../output/numbers.ts';
import { type Column, rowObject } from '../../output/table.ts';
import { SmcError } from '../../smc/error.ts';

/** The two commands; most objects serve both. */
export type Flavor = 'smcd' | 'smcr';

/** What an object gets: the command's context, and the options. */
export interface ObjectContext extends Context {
  flavor: Flavor;
  json: boolean;
  /** counters since the start, not since the reset */
  absolute: boolean;
  /** 0 table, 1 details, 2 more details */
  details: 0 | 1 | 2;
  /** options by long name */
  flags: ReadonlySet<string>;
  values: Readonly<Record<string, string>>;
}

/** An object: `smcd OBJECT words`. */
export interface SmcObject {
  /** what follows the object in the usage line */
  usage(flavor: Flavor): string;
  /** what shells offer for the words, see `Syntax.operands` */
  operands(flavor: Flavor): readonly string[];
  /** lines of the help's example section */
  examples(flavor: Flavor): Syntax['examples'];
  /** long names of options beyond --json that mean something here; the level options are never refused */
  options?: readonly string[];
  /** @param words after the object, prefixes not yet resolved; throws Answer for help, UsageError */
  run(context: ObjectContext, words: readonly string[]): Promise<void>;
}

/** What was asked for by its id is not in the kernel's table. What is printed then is printed already. */
export class NotListedError extends SmcError {}

/** Prints the one document of a run with --json. */
export function writeDocument({ io }: Context, document: { readonly [key: string]: Json }): void {
  io.write(`${stringify(document, io.isTerminal ? 2 : 0)}\n`);
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

/** Rows as JSON, by the same declaration as the table. */
export function rowObjects<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Json[] {
  return rows.map((row) => rowObject(columns, row));
}

/** Hexadecimal digits for JSON; null for what the kernel does not tell. */
export const hexOrNull = (value: number | bigint | undefined, width: number): Json =>
  value === undefined ? null : hex(value, width);

/** Yes or no for JSON; null for what the kernel does not tell. */
export const booleanOrNull = (value: number | undefined): Json =>
  value === undefined ? null : Boolean(value);

/** Word for a number of an enumeration; unknown ones are spelled as hexadecimal number and `?`. */
export function enumWord(table: Readonly<Record<number, string>>, value: number): string {
  return table[value] ?? `${prefixedHex(value)}?`;
}

/** The same for JSON; null for what the kernel does not tell. */
export const enumWordOrNull = (table: Readonly<Record<number, string>>, value: number | undefined): Json =>
  value === undefined ? null : enumWord(table, value);
