// SPDX-License-Identifier: MIT
/** What the objects of smcd and smcr have in common. */
import type { Syntax } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';
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
