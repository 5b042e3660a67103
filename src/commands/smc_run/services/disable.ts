// SPDX-License-Identifier: MIT
/** smc_run --disable and --disable-all: take away what --enable added. */
import type { Context } from '../../../cli/run.ts';
import { SmcError } from '../../../smc/error.ts';
import { planDisable } from '../../services/changes.ts';
import { enabledUnits, NOTHING_ENABLED } from '../../services/drop-in.ts';
import type { RunOptions } from '../options.ts';
import { applyChanges } from './changes.ts';

/** Disables one service. @returns exit status */
export async function disable(context: Context, options: RunOptions, name: string): Promise<number> {
  const change = planDisable(name, context.hostRoot);
  if (change.unit.name !== name) context.note(`${name} is an alias of ${change.unit.name}`);
  return applyChanges(context, options, change, { way: null, lines: [], remarks: [] });
}

/** Disables every enabled service. @returns 1 if one of them could not be disabled; the others are */
export async function disableAll(context: Context, options: RunOptions): Promise<number> {
  let result = 0;
  const names = enabledUnits(context.hostRoot);
  if (names.length === 0) context.note(NOTHING_ENABLED);
  for (const name of names)
    try {
      await disable(context, options, name);
    } catch (error) {
      if (!(error instanceof SmcError)) throw error;
      context.note(error.message, error.hint);
      result = 1;
    }
  return result;
}
