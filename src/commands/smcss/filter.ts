// SPDX-License-Identifier: MIT
/** The filter that follows the options of smcss, with the names of this host. */

import { UsageError } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';
import { didYouMean } from '../../cli/suggest.ts';
import { interfaceNames } from '../../host/interface-names.ts';
import { servicePort, userId } from '../../host/name-tables.ts';
import { findAddon } from '../../smc/native-parts.ts';
import { parseSocketFilter, type SocketFilter } from '../../smc/socket-filter.ts';
import { CONDITIONS, type FilterNames } from '../../smc/socket-filter-fields.ts';
import { FilterError } from '../../smc/socket-filter-words.ts';
import type { SmcssOptions } from './options.ts';

/** More of a wrong word is not repeated. */
const SHOWN = 40;

/**
 * @param words operands; ss(8) joins them, too
 * @throws UsageError that names the column
 */
export function readFilter(
  { hostRoot }: Pick<Context, 'hostRoot'>,
  words: readonly string[],
  options: SmcssOptions,
): SocketFilter {
  try {
    const filter = parseSocketFilter(words.join(' '), namesOf(hostRoot, options));
    if (filter.needs.has('netns') && !options.allNetns)
      throw new UsageError('a filter with netns requires --all-netns');
    return filter;
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { column, found, expected, words: known } = error;
    const what =
      found === ''
        ? 'the end'
        : `'${[...found].slice(0, SHOWN).join('')}'${didYouMean(found.slice(0, SHOWN), known)}`;
    const usage = new UsageError(`filter, column ${column}: expected ${expected}; found ${what}`);
    usage.help = 'man smcss';
    throw usage;
  }
}

function namesOf(hostRoot: string, { allNetns }: SmcssOptions): FilterNames {
  let interfaces: ReadonlyMap<string, number> | undefined;
  const interfaceIndex = (name: string): number | undefined => {
    interfaces ??= new Map([...interfaceNames(hostRoot)].map(([index, known]) => [known, index]));
    return interfaces.get(name);
  };
  return {
    service: (name) => servicePort(name, '/'),
    user: (name) => userId(name, hostRoot),
    // each namespace has interfaces of its own
    hasInterface: (name) => allNetns || interfaceIndex(name) !== undefined,
    interfaceIndex: allNetns ? (name) => findAddon().interfaceIndex(name) || undefined : interfaceIndex,
  };
}

/** Names that shells look up for a value. */
const NAMED: Readonly<Record<string, string>> = {
  dev: '<interface>',
  netns: '<netns>',
  unit: '<unit>',
  ibdev: '<rdma-device>',
};

/** What shells offer: the words that a condition starts with, and what its value can be. */
export const FILTER_WORDS: readonly string[] = Object.entries(CONDITIONS).flatMap(
  ([word, { words = [] }]) => [
    word,
    ...[...words, ...(NAMED[word] ? [NAMED[word]] : [])].map((value) => `${word} ${value}`),
  ],
);
