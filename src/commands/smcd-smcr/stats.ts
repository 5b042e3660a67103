// SPDX-License-Identifier: MIT
/** `stats`: counters of connections, data, buffers and fallbacks. */

import { parseAction } from '../../cli/object-grammar.ts';
import { UsageError } from '../../cli/options.ts';
import { writeDocument } from '../../cli/print.ts';
import type { StatisticsDocument } from '../../documents/smcd.ts';
import { UntrustedError } from '../../host/untrusted-error.ts';
import { SmcError } from '../../smc/error.ts';
import { explain } from '../../smc/explain.ts';
import type { Statistics } from '../../smc/statistics.ts';
import { BaselineError } from '../../smc/statistics-baseline.ts';
import { type Counted, countedSinceReset, keepReset } from '../../smc/statistics-reset.ts';
import type { ObjectContext, SmcObject } from './object.ts';
import { statisticsJson, suiteJson } from './stats-json.ts';
import { statisticsText } from './stats-text.ts';

export const stats: SmcObject = {
  usage: () => '[show | reset | json]',
  operands: () => ['show', 'reset', 'json', 'help'],
  examples: (flavor) => [
    [`${flavor} -d stats`, 'all counters, with the reasons of fallbacks'],
    [`${flavor} stats reset`, 'show them, and count from now on'],
    [`${flavor} -a stats`, 'ignore the reset, and show the full counts'],
    [`${flavor} stats --interval 1 --count 10`, 'ten lines of rates, one per second'],
  ],
  options: ['absolute', 'details', 'interval', 'count'],
  read(words) {
    const action = parseAction(words, ['show', 'reset', 'json'], { none: 'show' });
    return (context) => act(context, action);
  },
};

async function act(context: ObjectContext, action: 'show' | 'reset' | 'json'): Promise<void> {
  const { interval, count, absolute } = context.options;
  if (action === 'reset') context.needsRunningSystem(action);
  if (interval !== undefined) {
    if (action !== 'show') throw new UsageError(`${action} does not take --interval`);
    context.needsRunningSystem('--interval');
    const { watchStatistics } = await import('./stats-interval.ts');
    return watchStatistics(context, interval, count);
  }
  const current = await (await context.client()).statistics();
  // what was reset on a recorded host is not recorded
  const isAbsolute = absolute || context.isRecorded;
  const { statistics: shown, baseline }: Counted = isAbsolute
    ? { statistics: current }
    : sinceReset(context, current);
  if (action === 'json') context.io.write(suiteJson(context.flavor, shown));
  else if (context.json)
    writeDocument<StatisticsDocument>(context, {
      statistics: statisticsJson(context.flavor, shown, baseline),
    });
  else context.io.write(statisticsText(context, shown));
  context.io.flush();
  if (action === 'reset') keepBaseline(context, current);
  else if (baseline && context.io.isTerminal)
    context.note(`counts since the reset at ${baseline.time}`, '-a shows the full counts');
}

/** What was counted since the last reset; all, with a line on stderr, when its state cannot be used. */
function sinceReset(context: ObjectContext, current: Statistics): Counted {
  const counted = countedSinceReset(current, context.io.env, context.hostRoot);
  if (counted.failure) context.note(whyUnused(counted.failure), 'the full counts are shown');
  return counted;
}

function whyUnused({ error, path }: NonNullable<Counted['failure']>): string {
  if (error instanceof UntrustedError) return `${error.path} is not used: ${error.message}`;
  if (error instanceof BaselineError) return `${path} is not used: ${error.message}`;
  return `the last reset is not known: ${explain(error)?.text ?? error}`;
}

function keepBaseline({ io, hostRoot }: ObjectContext, statistics: Statistics): void {
  try {
    keepReset(statistics, io.env, hostRoot);
  } catch (error) {
    if (!(error instanceof UntrustedError)) throw error;
    throw new SmcError('INVALID', `${error.path} is not used: ${error.message}`, {
      hint: 'set XDG_STATE_HOME to a directory of your own',
      cause: error,
    });
  }
}
