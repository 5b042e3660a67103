// SPDX-License-Identifier: MIT
/** How smc_run converts a program or a service, from its options. */
import type { RunOptions } from './options.ts';

export interface Settings {
  via: NonNullable<RunOptions['via']>;
  socket: RunOptions['socket'];
  isStrict: boolean;
  debug: boolean;
  /** bytes */
  rcvbuf: number | undefined;
  sndbuf: number | undefined;
  /** patterns of command names */
  only: readonly string[];
  except: readonly string[];
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
