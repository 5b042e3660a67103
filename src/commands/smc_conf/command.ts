// SPDX-License-Identifier: MIT
/** smc_conf: how SMC is set up on this host, as one file. */
import { type Context, defineCommand } from '../../cli/run.ts';
import { FileError } from './file-error.ts';
import {
  ACTIONS,
  type Action,
  type ConfOptions,
  checkTaken,
  NEEDS_SYSTEM,
  OPTIONS,
  readAction,
} from './options.ts';

export const smcConf = defineCommand({
  name: 'smc_conf',
  usage: '[options] export|check|diff|apply|undo|enable|disable|status',
  operands: { name: 'ACTION', min: 1, max: 1, completes: () => Object.keys(ACTIONS) },
  summary: 'Keeps the SMC settings of this host in one file: PNET table, EIDs, handshake limit, sysctls.',
  options: OPTIONS,
  topics: { title: 'Actions', entries: Object.entries(ACTIONS) },
  examples: [
    ['smc_conf export > smc.yaml', 'the state of this host as a file'],
    ['smc_conf check -f smc.yaml', 'is the file right, and what has no effect here?'],
    ['smc_conf diff', 'what would apply change? status 2 if anything'],
    ['smc_conf apply', 'set this host up as /etc/smc-tools/smc.yaml says'],
    ['smc_conf apply --prune --dry-run', 'what would also be removed'],
  ],
  run: dispatch,
});

async function dispatch(
  context: Context,
  options: ConfOptions,
  [word = '']: readonly string[],
): Promise<number> {
  const action = readAction(word);
  checkTaken(action, options);
  if (NEEDS_SYSTEM.has(action)) context.needsRunningSystem(action);
  const act = await ACTS[action]();
  try {
    return await act(context, options);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    for (const { line, column, message, hint } of error.problems)
      context.note(`${error.file}:${line}:${column}: ${message}`, hint);
    return STATUS_FAILED;
  }
}

/** A file has mistakes. */
const STATUS_FAILED = 1;

/** Carries an action out. @returns exit status */
type Act = (context: Context, options: ConfOptions) => Promise<number>;

/** Each action is loaded when it is asked for. */
const ACTS: Readonly<Record<Action, () => Promise<Act>>> = {
  export: async () => (await import('./export.ts')).exportMode,
  check: async () => (await import('./check.ts')).checkMode,
  diff: async () => (await import('./diff.ts')).diffMode,
  apply: async () => (await import('./apply.ts')).apply,
  undo: async () => (await import('./undo.ts')).undo,
  enable: async () => (await import('./boot.ts')).enable,
  disable: async () => (await import('./boot.ts')).disable,
  status: async () => (await import('./boot-status.ts')).status,
};
