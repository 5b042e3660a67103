// SPDX-License-Identifier: MIT
/** smc_chk without a mode: the checks of this host, or of the interfaces that are named. */
import type { Parsed } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';

/**
 * Prints the table of checks, or one JSON document.
 * @returns exit status: 0 nothing failed, 3 a check failed, 4 something could not be looked at
 * @throws SmcError NOT_FOUND for an interface that is not there or not up: exit status 2
 */
export async function systemMode(_context: Context, _parsed: Parsed): Promise<number> {
  return 0;
}
