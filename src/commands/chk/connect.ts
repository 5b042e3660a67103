// SPDX-License-Identifier: MIT
import type { Parsed } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';

export async function connectMode(_context: Context, _parsed: Parsed): Promise<number> {
  return 1;
}
