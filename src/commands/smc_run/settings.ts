// SPDX-License-Identifier: MIT
/** How smc_run converts a program or a service, from its options. */
import type { Conversion } from '../services/conversion.ts';
import type { RunOptions } from './options.ts';

export interface Settings extends Conversion {
  /** print what became of the connections */
  report: boolean;
  requireSmc: boolean;
  log: string | undefined;
  json: boolean;
}

export function settingsOf(options: RunOptions): Settings {
  const { via = 'auto', socket, strict, debug, rcvbuf, sndbuf, only, except } = options;
  const { report, requireSmc, log, json } = options;
  return {
    via,
    socket,
    isStrict: strict,
    debug,
    rcvbuf,
    sndbuf,
    only,
    except,
    report: report || debug || json || log !== undefined,
    requireSmc,
    log,
    json,
  };
}
