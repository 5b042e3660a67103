// SPDX-License-Identifier: MIT
/** `stats`: counters of connections, data, buffers and fallbacks. */
import { explain } from '../../cli/errors.ts';
import { parseAction } from '../../cli/objects.ts';
import { UsageError } from '../../cli/options.ts';
import { bootId, networkNamespace } from '../../host/identity.ts';
import { readStateFile, stateDirectory, UntrustedError, writeStateFile } from '../../host/state-file.ts';
import { SmcError } from '../../smc/error.ts';
import type { Statistics } from '../../smc/statistics.ts';
import {
  type Baseline,
  BaselineError,
  formatBaseline,
  parseBaseline,
  since,
} from '../../smc/statistics-baseline.ts';
import { type ObjectContext, type SmcObject, writeDocument } from './object.ts';
import { statisticsJson, suiteJson } from './stats-json.ts';
import { statisticsText } from './stats-text.ts';

export const stats: SmcObject = {
  usage: () => '[show | reset | json]',
  operands: () => ['show', 'reset', 'json', 'help'],
  examples: (flavor) => [
    [`${flavor} -d stats`, 'all counters, with the reasons of fallbacks'],
    [`${flavor} stats reset`, 'show them, and count from here on'],
    [`${flavor} -a stats`, 'count from the start in spite of that'],
    [`${flavor} stats --interval 1 --count 10`, 'ten lines of rates, one a second'],
  ],
  options: ['absolute', 'details', 'interval', 'count'],
  async run(context, words) {
    const action = parseAction(words, ['show', 'reset', 'json'], { none: 'show' });
    if (action === 'reset') context.needsRunningSystem(action);
    if (context.flags.has('interval') || context.flags.has('count')) {
      if (action !== 'show') throw new UsageError(`${action} does not take --interval`);
      context.needsRunningSystem('--interval');
      const { watchStatistics } = await import('./stats-interval.ts');
      return watchStatistics(context);
    }
    const current = await (await context.client()).statistics();
    // what was reset on a recorded host is not recorded
    const isAbsolute = context.absolute || context.isRecorded;
    const { shown, baseline } = isAbsolute ? { shown: current } : sinceReset(context, current);
    if (action === 'json') context.io.write(suiteJson(context.flavor, shown));
    else if (context.json)
      writeDocument(context, { statistics: statisticsJson(context.flavor, shown, baseline) });
    else context.io.write(statisticsText(context, shown));
    context.io.flush();
    if (action === 'reset') keepBaseline(context, current);
    else if (baseline && context.io.isTerminal)
      context.note(`counted since the reset of ${baseline.time}`, '-a counts from the start');
  },
};

/** Where the baseline is, and what it must say to count. */
interface Place {
  directory: string;
  name: string;
  bootId: string;
  networkNamespace: string;
}

/** @throws SmcError when there is no directory to keep it in; Node's own error without /proc */
function place({ io, hostRoot }: ObjectContext): Place {
  const directory = stateDirectory(io.env, hostRoot);
  if (directory === undefined)
    throw new SmcError('NOT_FOUND', 'there is no directory to keep the state of a reset in', {
      hint: 'set HOME or XDG_STATE_HOME',
    });
  const namespace = networkNamespace(hostRoot);
  return {
    directory,
    name: `statistics-${namespace}.json`,
    bootId: bootId(hostRoot),
    networkNamespace: namespace,
  };
}

/** What was counted since the last reset; all, with a line on stderr, when its state cannot be used. */
function sinceReset(
  context: ObjectContext,
  current: Statistics,
): { shown: Statistics; baseline?: Baseline | undefined } {
  // the state is of the user and the machine that this runs on
  if (context.isRecorded) return { shown: current };
  let here: Place;
  try {
    here = place(context);
  } catch {
    return { shown: current }; // where no reset can be kept, there was none
  }
  try {
    const text = readStateFile(here.directory, here.name);
    if (text === undefined) return { shown: current };
    const baseline = parseBaseline(text, current);
    if (baseline.bootId !== here.bootId) throw new BaselineError('it is from before the last boot');
    if (baseline.networkNamespace !== here.networkNamespace)
      throw new BaselineError('it is of another network namespace');
    return { shown: since(baseline.statistics, current), baseline };
  } catch (error) {
    // Never a reason to show nothing.
    context.note(whyUnused(error, here), 'all counters since the start are shown');
    return { shown: current };
  }
}

function whyUnused(error: unknown, { directory, name }: Place): string {
  if (error instanceof UntrustedError) return `${error.path} is not used: ${error.message}`;
  if (error instanceof BaselineError) return `${directory}/${name} is not used: ${error.message}`;
  return `the last reset is not known: ${explain(error)?.text ?? error}`;
}

function keepBaseline(context: ObjectContext, statistics: Statistics): void {
  const { directory, name, ...identity } = place(context);
  const baseline: Baseline = { ...identity, time: new Date().toISOString(), statistics };
  try {
    writeStateFile(directory, name, formatBaseline(baseline));
  } catch (error) {
    if (!(error instanceof UntrustedError)) throw error;
    throw new SmcError('INVALID', `${error.path} is not used: ${error.message}`, {
      hint: 'set XDG_STATE_HOME to a directory of your own',
      cause: error,
    });
  }
}
