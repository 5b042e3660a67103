// SPDX-License-Identifier: MIT
/** `diff`: what apply would do. */
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { DiffDocument } from '../../documents/smc_conf.ts';
import { printable } from '../../output/printable.ts';
import { changeRow, keptRow, obstacleRow } from './change-json.ts';
import { changeText, keptText, obstacleText } from './change-text.ts';
import type { Plan } from './changes.ts';
import { type ConfOptions, DEFAULT_FILE } from './options.ts';
import { planFile } from './plan.ts';

/** There are differences. */
const STATUS_DIFFERENT = 2;

/** @returns exit status */
export async function diffMode(context: Context, options: ConfOptions): Promise<number> {
  const { plan } = await planFile(context, options);
  const { changes, kept, obstacles } = plan;
  const status = changes.length > 0 ? STATUS_DIFFERENT : 0;
  if (options.json) {
    writeDocument<DiffDocument>(context, {
      file: options.file ?? DEFAULT_FILE,
      is_different: changes.length > 0,
      changes: changes.map(changeRow),
      kept: kept.map(keptRow),
      obstacles: obstacles.map(obstacleRow),
    });
    return status;
  }
  printPlan(context, plan);
  return status;
}

/** A line for each change, and for what stays. */
export function printPlan({ io, note }: Context, { changes, kept, obstacles }: Plan): void {
  for (const change of changes) io.write(`${printable(changeText(change))}\n`);
  for (const one of kept) io.write(`keep ${printable(keptText(one))}\n`);
  for (const obstacle of obstacles) note(obstacleText(obstacle));
  if (kept.length > 0 && io.isTerminal) note('what the file does not have is kept', '--prune removes it');
  if (changes.length + kept.length === 0 && io.isTerminal) note('there is nothing to do');
}
