// SPDX-License-Identifier: MIT
/** smc_run --enable, --disable, --status: systemd services over SMC. */
import type { Parsed } from '../../cli/options.ts';
import { UsageError } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';

/**
 * Called when one of `--enable UNIT`, `--disable UNIT` and `--status` is given; the unit of `--status` is the only
 * operand, if there is one.
 * @returns exit status
 */
export async function serviceMode(_context: Context, _parsed: Parsed): Promise<number> {
  throw new UsageError('services are not built yet');
}
