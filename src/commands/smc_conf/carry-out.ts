// SPDX-License-Identifier: MIT
/** Carries changes out one after the other, and goes back after a failure. */
import { type Explanation, explain } from '../../smc/explain.ts';
import { reloadSystemd } from '../services/changes.ts';
import { type Change, changesBetween } from './changes.ts';
import type { Configuration } from './configuration.ts';
import { makeChange } from './requests.ts';
import { readRunning, type Source } from './running.ts';

import { reverted, stateAfter } from './states.ts';

/** What became of a change. */
export interface Outcome {
  change: Change;
  /** `undone`: it was made, and a later one failed; `skipped`: an earlier one failed */
  result: 'done' | 'undone' | 'failed' | 'skipped';
  /** why it failed */
  failure?: Explanation | undefined;
}

/** What became of going back. */
export interface WayBack {
  /** what was made to get back to the state before */
  made: Change[];
  /** what could not be made; `undefined` if all is as before */
  failed?: { change: Change | undefined; failure: Explanation } | undefined;
}

export interface Carried {
  outcomes: Outcome[];
  wayBack?: WayBack | undefined;
}

/** Is told what happens as it happens. */
export interface Reporter {
  done(change: Change, remark: string | undefined): void;
  failed(change: Change, failure: Explanation): void;
  /** a change on the way back */
  wentBack(change: Change): void;
}

/**
 * @param before the state in which the changes begin
 * @param goesOn tries the rest after a failure, instead of going back
 */
export async function carryOut(
  changes: readonly Change[],
  before: Configuration,
  source: Source,
  reporter: Reporter,
  goesOn: boolean,
): Promise<Carried> {
  const outcomes: Outcome[] = [];
  let hasFailed = false;
  for (const change of changes) {
    if (hasFailed && !goesOn) {
      outcomes.push({ change, result: 'skipped' });
      continue;
    }
    try {
      const remark = await makeChange(change, source);
      outcomes.push({ change, result: 'done' });
      reporter.done(change, remark);
    } catch (error) {
      const failure = explained(error);
      hasFailed = true;
      outcomes.push({ change, result: 'failed', failure });
      reporter.failed(change, failure);
    }
  }
  if (!hasFailed || goesOn) {
    await reload(
      outcomes.filter(({ result }) => result === 'done').map(({ change }) => change),
      source,
    );
    return { outcomes };
  }
  const wayBack = await goBack(before, stateAfter(before, changes), source, reporter);
  if (!wayBack.failed)
    for (const outcome of outcomes) if (outcome.result === 'done') outcome.result = 'undone';
  return { outcomes, wayBack };
}

/**
 * Goes back to a state: what an apply was to change becomes as it was, and nothing else changes. What has to be done for
 * that follows from the state now, since a request that failed may have done a part of its work, and since the kernel
 * deletes entries of the PNET table by their PNET ID only.
 */
async function goBack(
  before: Configuration,
  after: Configuration,
  source: Source,
  reporter: Reporter,
): Promise<WayBack> {
  const made: Change[] = [];
  let current: Change | undefined;
  try {
    const { state } = await readRunning(source, [...(after.namespaces ?? new Map()).keys()]);
    const plan = changesBetween(state, reverted(state, before, after), { isPruning: true });
    for (const change of plan.changes) {
      current = change;
      await makeChange(change, source);
      made.push(change);
      reporter.wentBack(change);
    }
    current = undefined;
    await reload(made, source);
    return { made };
  } catch (error) {
    return { made, failed: { change: current, failure: explained(error) } };
  }
}

async function reload(made: readonly Change[], { hostRoot }: Source): Promise<void> {
  if (made.some(({ what }) => what === 'enable-service' || what === 'disable-service'))
    await reloadSystemd(hostRoot);
}

/** Whatever it was, the changes before it must be undone. */
const explained = (error: unknown): Explanation => explain(error) ?? { text: `internal error: ${error}` };
