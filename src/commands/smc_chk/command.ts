// SPDX-License-Identifier: MIT
/** smc_chk: says whether a connection, or this host, can use SMC, and if not, why. */
import { UsageError } from '../../cli/options.ts';
import { type Context, defineCommand } from '../../cli/run.ts';
import { SmcError } from '../../smc/error.ts';
import { type ChkOptions, OPTIONS, RULES } from './options.ts';

export const smcChk = defineCommand({
  name: 'smc_chk',
  usage: '[options] [INTERFACE...]',
  operands: { name: 'INTERFACE', completes: () => ['<interface>'] },
  summary: 'Checks whether this host, or one connection, can use SMC, and shows what prevents it.',
  options: OPTIONS,
  rules: RULES,
  examples: [
    ['smc_chk', 'check this host'],
    ['smc_chk --problems', 'list only what needs attention, for scripts'],
    ['smc_chk -C server:443', 'does that service use SMC, and if not, why?'],
    ['smc_chk -S', 'run a server on this host, for smc_chk -C on another'],
    ['smc_chk --explain 0x05000000/0x03030008', 'explain what smcss shows'],
  ],
  run: dispatch,
  statusOf,
});

/** Could not be carried out. */
const STATUS_FAILED = 1;
/** The command line is wrong, or names an interface that is not there or not up. */
const STATUS_USAGE = 2;

/** Chooses the mode. Rules say which options go together, so the order does not matter. */
async function dispatch(context: Context, options: ChkOptions, operands: readonly string[]): Promise<number> {
  const { connect, server, pnetid, liveTest, staticAnalysis, explain } = options;
  if (connect !== undefined) {
    context.needsRunningSystem('--connect');
    return (await import('./connect.ts')).connectMode(context, options, connect);
  }
  if (server) {
    context.needsRunningSystem('--server');
    return (await import('./serve.ts')).serveMode(context, options);
  }
  if (pnetid !== undefined) return (await import('./pnetid.ts')).pnetidMode(context, options, pnetid);
  if (liveTest) context.needsRunningSystem('--live-test');
  if (liveTest || staticAnalysis)
    return (await import('./interfaces.ts')).interfacesMode(context, options, operands);
  if (explain !== undefined) return (await import('./explain.ts')).explainMode(context, options, explain);
  return (await import('./system.ts')).systemMode(context, options, operands);
}

function statusOf(error: unknown): number {
  const isNoInterface = error instanceof SmcError && error.code === 'NOT_FOUND';
  return error instanceof UsageError || isNoInterface ? STATUS_USAGE : STATUS_FAILED;
}
