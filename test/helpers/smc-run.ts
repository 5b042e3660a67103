// SPDX-License-Identifier: MIT
/** smc_run on a made-up host, with a program that is not there: so it does not become the program. */
import type { Test } from 'tap';
import { smcRun } from '../../src/commands/smc_run/command.ts';
import { type Outcome, type RunOptions, runCommand } from './run-command.ts';

/** A program that is not there. */
export const NOWHERE = '/no/such/program';

export const notFound = (name: string): Outcome => ({
  status: 127,
  stdout: '',
  stderr: `smc_run: ${name}: command not found\n`,
});

/** Runs it on a host with the given limits of net.core. */
export function smcRunOn(
  t: Test,
  argv: readonly string[] | string,
  options: RunOptions & { limits?: Record<string, string> } = {},
): Promise<Outcome> {
  const { limits = { rmem_max: '212992\n', wmem_max: '212992\n' }, ...rest } = options;
  const hostRoot = t.testdir({ proc: { sys: { net: { core: limits } } } });
  return runCommand(smcRun, argv, { hostRoot, ...rest });
}
