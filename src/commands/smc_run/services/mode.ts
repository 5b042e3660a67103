// SPDX-License-Identifier: MIT
/** The command line of smc_run --enable, --disable, --disable-all and --status. */
import type { Context } from '../../../cli/run.ts';
import { serviceName } from '../../services/unit.ts';
import type { RunOptions } from '../options.ts';
import { disable, disableAll } from './disable.ts';
import { enable } from './enable.ts';
import { status } from './status.ts';

/**
 * Called when one of `--enable UNIT`, `--disable UNIT`, `--disable-all` and `--status` is given; the unit of `--status` is
 * the only operand, if there is one.
 * @returns exit status
 */
export async function serviceMode(
  context: Context,
  options: RunOptions,
  [unit]: readonly string[],
): Promise<number> {
  // a recorded system has no units
  const { needsRunningSystem } = context;
  if (options.status) {
    needsRunningSystem('--status');
    return status(context, options.json, unit === undefined ? undefined : serviceName(unit));
  }
  if (options.disableAll) {
    needsRunningSystem('--disable-all');
    return disableAll(context, options);
  }
  if (options.enable !== undefined) {
    needsRunningSystem('--enable');
    return enable(context, options, serviceName(options.enable));
  }
  needsRunningSystem('--disable');
  return disable(context, options, serviceName(options.disable ?? ''));
}
