// SPDX-License-Identifier: MIT
/** What the objects of smcd and smcr have in common. */
import type { Syntax } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';
import { SmcError } from '../../smc/error.ts';
import type { ObjectOption, ObjectOptions } from './options.ts';

/** The two commands; most objects serve both. */
export type Flavor = 'smcd' | 'smcr';

/** What an object gets: the command's context, and the options. */
export interface ObjectContext extends Context {
  flavor: Flavor;
  options: ObjectOptions;
  json: boolean;
  /** 0 table, 1 details, 2 more details */
  details: 0 | 1 | 2;
}

/** An object: `smcd OBJECT words`. */
export interface SmcObject {
  /** what follows the object in the usage line */
  usage(flavor: Flavor): string;
  /** what shells offer for the words, see `Operands.completes` */
  operands(flavor: Flavor): readonly string[];
  /** lines of the help's example section */
  examples(flavor: Flavor): Syntax['examples'];
  /** options beyond --json that mean something here */
  options?: readonly ObjectOption[];
  /**
   * Reads the words; what they ask for is done when the options are checked.
   * @param words after the object, prefixes not yet resolved
   * @throws HelpOrVersion for help; UsageError
   */
  read(words: readonly string[], flavor: Flavor): (context: ObjectContext) => Promise<void> | void;
}

/** What was asked for by its id is not in the kernel's table. What is printed then is printed already. */
export class NotListedError extends SmcError {}
