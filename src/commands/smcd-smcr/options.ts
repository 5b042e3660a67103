// SPDX-License-Identifier: MIT
/** The options of smcd and smcr. */
import { decimalNumber, number } from '../../cli/number-option.ts';
import { type Options, optionTable, type RulesFor } from '../../cli/options.ts';

/** Those that are additions are refused by objects that do not name them; the others are never refused. */
export const OPTIONS = optionTable({
  absolute: { short: 'a', help: 'stats: show the full counts, not those since the last reset' },
  details: { short: 'd', twice: 'ddetails', help: 'show more' },
  ddetails: { help: 'show even more, also as -dd' },
  interval: {
    value: 'SECONDS',
    parse: number({ form: decimalNumber, min: 0.1, max: 86_400, of: 'seconds' }),
    help: 'stats: print rates at this interval',
    addition: true,
  },
  count: {
    value: 'N',
    parse: number({ min: 1 }),
    help: 'stats: with --interval, stop after N lines',
    addition: true,
  },
  fromMachineId: { help: 'ueid add: derive the UEID from the machine ID', addition: true },
  help: { short: 'h', help: 'show this help; after an object, the help of that object' },
});

/** The name of an option of smcd and smcr. */
export type ObjectOption = keyof typeof OPTIONS;

export type ObjectOptions = Options<typeof OPTIONS>;

export const RULES: RulesFor<typeof OPTIONS> = { requires: { count: 'interval' } };
