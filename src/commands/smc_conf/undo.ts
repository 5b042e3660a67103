// SPDX-License-Identifier: MIT
/** smc_conf undo: goes back to the state before the last apply. What else has changed since stays. */
import type { Context } from '../../cli/run.ts';
import { SmcError } from '../../smc/error.ts';
import { carryOut } from './carry-out.ts';
import { changesBetween, type Plan } from './changes.ts';
import { exclusively } from './exclusive.ts';
import { type LastApply, recall, remember } from './memory.ts';
import type { ConfOptions } from './options.ts';
import { Report } from './report.ts';
import { type Running, readRunning } from './running.ts';
import { reverted } from './states.ts';

/** @returns exit status: 1 if something failed */
export async function undo(context: Context, options: ConfOptions): Promise<number> {
  const report = new Report(context, options, undefined);
  if (options.dryRun) {
    const { plan } = await planUndo(context, lastApply(context.hostRoot));
    report.planned(plan);
    return 0;
  }
  return exclusively(context, 'undo', async () => {
    const { hostRoot: root } = context;
    const { plan, running } = await planUndo(context, lastApply(root));
    report.surroundings(plan);
    const carried = await carryOut(plan.changes, running.state, context, report, options.keepGoing);
    const hasFailed = carried.outcomes.some(({ result }) => result !== 'done');
    if (!hasFailed) remember(root, { interfaces: recall(root).interfaces });
    return report.end(carried);
  });
}

/** @throws SmcError NOT_FOUND */
function lastApply(root: string): LastApply {
  const { last } = recall(root);
  if (!last)
    throw new SmcError('NOT_FOUND', 'there is nothing to undo: apply has changed nothing since the boot');
  return last;
}

async function planUndo(
  context: Context,
  { before, after }: LastApply,
): Promise<{ plan: Plan; running: Running }> {
  const running = await readRunning(context, [...(after.namespaces ?? new Map()).keys()]);
  const wanted = reverted(running.state, before, after);
  return { running, plan: changesBetween(running.state, wanted, { isPruning: true }) };
}
