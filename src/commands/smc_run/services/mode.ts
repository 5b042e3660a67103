// SPDX-License-Identifier: MIT
/** The command line of smc_run --enable, --disable, --disable-all and --status. */
import { type Parsed, UsageError } from '../../../cli/options.ts';
import type { Context } from '../../../cli/run.ts';
import { disable, disableAll } from './disable.ts';
import { enable } from './enable.ts';
import { status } from './status.ts';
import { serviceName } from './unit.ts';

/** What smc_run does with services. */
const MODES = ['enable', 'disable', 'disable-all', 'status'] as const;

/** Options that say how a service is converted. */
const WITH_ENABLE = ['debug', 'rcvbuf', 'sndbuf', 'via', 'socket', 'strict', 'only', 'except'];

/**
 * Called when one of `--enable UNIT`, `--disable UNIT` and `--status` is given; the unit of `--status` is the only
 * operand, if there is one.
 * @returns exit status
 */
export async function serviceMode(context: Context, parsed: Parsed): Promise<number> {
  const { flags, values, operands } = parsed;
  const modes = MODES.filter((name) => flags.has(name));
  if (modes.length > 1) throw new UsageError(`--${modes[0]} and --${modes[1]} exclude each other`);
  const unfit = ['report', 'require-smc', 'log'].find((name) => flags.has(name));
  if (unfit) throw new UsageError(`--${unfit} is for programs that smc_run starts itself, not for services`);
  const idle = flags.has('enable') ? undefined : WITH_ENABLE.find((name) => flags.has(name));
  if (idle) throw new UsageError(`--${idle} has no effect on --${modes[0]}: it goes with --enable`);
  // a recorded system has no units
  context.needsRunningSystem(`--${modes[0]}`);
  if (flags.has('status')) {
    if (flags.has('dry-run')) throw new UsageError('--status changes nothing, with or without --dry-run');
    if (operands.length > 1) throw new UsageError('--status takes one unit at most');
    const [text] = operands;
    return status(context, flags.has('json'), text === undefined ? undefined : serviceName(text));
  }
  if (flags.has('disable-all')) {
    if (operands.length > 0)
      throw new UsageError(`--disable-all takes no unit, '${operands[0]}' is too much`);
    if (flags.has('json')) throw new UsageError('--disable-all has no JSON: use --status -j and --disable');
    return disableAll(context, parsed);
  }
  const [mode] = modes as ['enable' | 'disable'];
  if (operands.length > 0) throw new UsageError(`--${mode} takes one unit, '${operands[0]}' is too much`);
  const name = serviceName(values[mode] ?? '');
  return mode === 'enable' ? enable(context, parsed, name) : disable(context, parsed, name);
}
