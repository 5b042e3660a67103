// SPDX-License-Identifier: MIT
/** Where the counters of the last reset are kept, and what was counted since. */
import { bootId, networkNamespace } from '../host/identity.ts';
import { readStateFile, stateDirectory, writeStateFile } from '../host/state-file.ts';
import { SmcError } from './error.ts';
import type { Statistics } from './statistics.ts';
import { type Baseline, BaselineError, formatBaseline, parseBaseline, since } from './statistics-baseline.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the baseline is, and what it must say to count. */
interface BaselineFile {
  directory: string;
  name: string;
  bootId: string;
  networkNamespace: string;
}

/** What was counted since the last reset of this user, boot and network namespace. */
export interface Counted {
  statistics: Statistics;
  /** absent: there was no reset, and all is counted */
  baseline?: Baseline;
  /** why a reset that there was is not known: UntrustedError, BaselineError or Node's own error */
  failure?: { error: unknown; path: string };
}

/** @throws SmcError NOT_FOUND when there is no directory to keep it in; Node's own error without /proc */
function baselineFile(env: Environment, root: string): BaselineFile {
  const directory = stateDirectory(env, root);
  if (directory === undefined)
    throw new SmcError('NOT_FOUND', 'there is no directory to store a reset in', {
      hint: 'set HOME or XDG_STATE_HOME',
    });
  const namespace = networkNamespace(root);
  return {
    directory,
    name: `statistics-${namespace}.json`,
    bootId: bootId(root),
    networkNamespace: namespace,
  };
}

/** Subtracts the last reset; where none can be found out, all that is counted. */
export function countedSinceReset(current: Statistics, env: Environment, root: string): Counted {
  let here: BaselineFile;
  try {
    here = baselineFile(env, root);
  } catch {
    return { statistics: current }; // where no reset can be kept, there was none
  }
  try {
    const text = readStateFile(here.directory, here.name);
    if (text === undefined) return { statistics: current };
    const baseline = parseBaseline(text, current);
    if (baseline.bootId !== here.bootId) throw new BaselineError('it is from before the last boot');
    if (baseline.networkNamespace !== here.networkNamespace)
      throw new BaselineError('it is from another network namespace');
    return { statistics: since(baseline.statistics, current), baseline };
  } catch (error) {
    // Never a reason to show nothing.
    return { statistics: current, failure: { error, path: `${here.directory}/${here.name}` } };
  }
}

/**
 * Counts from here on.
 * @throws SmcError NOT_FOUND; UntrustedError; Node's own error
 */
export function keepReset(statistics: Statistics, env: Environment, root: string): void {
  const { directory, name, ...identity } = baselineFile(env, root);
  const baseline: Baseline = { ...identity, time: new Date().toISOString(), statistics };
  writeStateFile(directory, name, formatBaseline(baseline));
}
