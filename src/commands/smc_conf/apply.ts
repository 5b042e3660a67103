// SPDX-License-Identifier: MIT
/** smc_conf apply: sets SMC up as the file says. */
import type { Context } from '../../cli/run.ts';
import { type Carried, carryOut } from './carry-out.ts';
import { changeText } from './change-text.ts';
import { type Change, changesBetween } from './changes.ts';
import type { Configuration } from './configuration.ts';
import { interfaceIndexes } from './detached.ts';
import { exclusively } from './exclusive.ts';
import { readConfigurationFile } from './file.ts';
import { recall, remember } from './memory.ts';
import { type ConfOptions, DEFAULT_FILE } from './options.ts';
import { checkOnly, planFile, planFor, wantedOf } from './plan.ts';
import { Report } from './report.ts';
import { stateAfter } from './states.ts';

/** @returns exit status: 1 if something failed */
export async function apply(context: Context, options: ConfOptions): Promise<number> {
  if (options.dryRun) {
    const { file, plan } = await planFile(context, options);
    new Report(context, options, file.name).planned(plan);
    return 0;
  }
  const file = await readConfigurationFile(options.file ?? DEFAULT_FILE);
  const wanted = wantedOf(file, options, context);
  return exclusively(context, 'apply', () => applyAlone(context, options, file.name, wanted));
}

async function applyAlone(
  context: Context,
  options: ConfOptions,
  name: string,
  wanted: Configuration,
): Promise<number> {
  const { hostRoot: root } = context;
  const memory = recall(root);
  const { running, plan } = await planFor(context, wanted, options.prune, memory);
  checkOnly(plan, options);
  const { changes } = plan;
  const report = new Report(context, options, name);
  report.surroundings(plan);
  // those that are there before an entry is made: one that comes later may be renamed, and miss it
  const present = interfaceIndexes(
    { pnet: new Map([...(running.pnet ?? []), ...(wanted.pnet ?? [])]) },
    root,
  );
  const interfaces = (): Map<string, number> => new Map([...memory.interfaces, ...present]);
  if (changes.length === 0) {
    remember(root, { last: memory.last, interfaces: interfaces() });
    return report.end({ outcomes: [] });
  }

  // an apply that was killed has left something in between: undo goes back to before that one
  const before = memory.last?.isComplete === false ? memory.last.before : running;
  const last = {
    time: new Date().toISOString(),
    before,
    after: stateAfter(running, changes),
    isComplete: false,
  };
  remember(root, { last, interfaces: memory.interfaces });
  const carried = await carryOut(changes, running, context, report, options.keepGoing);
  if (carried.wayBack && !carried.wayBack.failed) {
    remember(root, memory);
    return report.end(carried);
  }
  // entries that were only made again are nothing to undo
  const isOther = changesBetween(before, last.after, { isPruning: true }).changes.length > 0;
  remember(root, { last: isOther ? { ...last, isComplete: true } : memory.last, interfaces: interfaces() });
  return report.end(carried, await readBack(context, wanted, options.prune, interfaces(), carried));
}

/** Changes that the kernel has taken, but that have not taken effect. */
async function readBack(
  context: Context,
  wanted: Configuration,
  isPruning: boolean,
  interfaces: ReadonlyMap<string, number>,
  { outcomes }: Carried,
): Promise<Change[]> {
  const { plan } = await planFor(context, wanted, isPruning, { interfaces });
  const failed = new Set(
    outcomes.filter(({ result }) => result !== 'done').map(({ change }) => changeText(change)),
  );
  return plan.changes.filter((change) => !failed.has(changeText(change)));
}
