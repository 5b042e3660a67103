// SPDX-License-Identifier: MIT
/** smcss --watch: the sockets again and again, on a full screen or as one table after the other. */
import type { Context } from '../../../cli/run.ts';
import type { SocketFilter } from '../../../smc/socket-filter.ts';
import type { FilterNeed } from '../../../smc/socket-filter-fields.ts';
import type { SmcssOptions } from '../options.ts';
import { filterOf } from '../selection.ts';
import { hasScreen } from './screen.ts';
import type { SortBy } from './sort.ts';

/** What the command line says. */
export interface WatchGiven {
  seconds: number;
  sort: SortBy;
  /** the filter, and how it was written */
  filter: SocketFilter | undefined;
  words: readonly string[];
  /** what is to be known of each socket for the options and a filter */
  needs(filter: SocketFilter | undefined): ReadonlySet<FilterNeed>;
}

/** Shows the sockets until the user leaves, or a signal ends it. @throws what a list throws */
export async function watch(
  context: Context,
  options: SmcssOptions,
  words: readonly string[],
): Promise<number> {
  context.needsRunningSystem('--watch');
  const given: WatchGiven = {
    seconds: options.watch!,
    sort: options.sort ?? 'rx',
    filter: await filterOf(context, words, options),
    words,
    needs(filter) {
      const needs = new Set<FilterNeed>(filter?.needs);
      if (options.processes) needs.add('ownership');
      if (options.allNetns) needs.add('netns');
      return needs;
    },
  };
  if (!options.json && hasScreen(context.io))
    await (await import('./session.ts')).watchOnScreen(context, options, given);
  else await (await import('./plain.ts')).watchPlainly(context, options, given);
  return 0;
}
