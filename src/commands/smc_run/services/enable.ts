// SPDX-License-Identifier: MIT
/** smc_run --enable: adds what a service needs to run over SMC. */
import type { Context } from '../../../cli/run.ts';
import { moduleState } from '../../../host/kernel-module.ts';
import { planEnable } from '../../services/changes.ts';
import { noteBufferLimit } from '../buffer-limits.ts';
import type { RunOptions } from '../options.ts';
import { settingsOf } from '../settings.ts';
import { applyChanges } from './changes.ts';

/** Enables one service. @returns exit status */
export async function enable(context: Context, options: RunOptions, name: string): Promise<number> {
  const { hostRoot: root, note } = context;
  const settings = settingsOf(options);
  const { plan, ...change } = planEnable(name, settings, root);
  if (change.unit.name !== name) note(`${name} is an alias of ${change.unit.name}`);
  for (const remark of plan.remarks) note(remark);
  if (moduleState('smc', root) === 'absent') note('this kernel has no SMC: the service will run over TCP');
  if (settings.rcvbuf !== undefined) noteBufferLimit('rmem_max', settings.rcvbuf, context);
  if (settings.sndbuf !== undefined) noteBufferLimit('wmem_max', settings.sndbuf, context);
  return applyChanges(context, options, change, {
    way: plan.way,
    lines: plan.lines.map(({ text, reason }) => ({ text, reason })),
    remarks: plan.remarks,
  });
}
