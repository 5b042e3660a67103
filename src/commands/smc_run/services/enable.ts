// SPDX-License-Identifier: MIT
/** smc_run --enable: adds what a service needs to run over SMC. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Context } from '../../../cli/run.ts';
import { contentOf } from '../../../host/drop-in.ts';
import { moduleState } from '../../../host/kernel-module.ts';
import { SmcError } from '../../../smc/error.ts';
import { noteBufferLimit } from '../buffer-limits.ts';
import type { RunOptions } from '../options.ts';
import { settingsOf } from '../settings.ts';
import { applyChanges, type Change } from './changes.ts';
import { DROP_IN, dropIn, dropInOf, intactWords, madeDirectory } from './drop-in.ts';
import { serviceHost } from './host.ts';
import { planService } from './plan.ts';
import { environmentText } from './postgresql.ts';
import { serviceUnit } from './unit.ts';

/** Enables one service. @returns exit status */
export async function enable(context: Context, options: RunOptions, name: string): Promise<number> {
  const { hostRoot: root, note } = context;
  const settings = settingsOf(options);
  const unit = serviceUnit(name, root, DROP_IN);
  const plan = planService(unit, settings, serviceHost(root));
  if (settings.isStrict && plan.remarks[0])
    throw new SmcError('NOT_SUPPORTED', `--strict: ${plan.remarks[0]}`);
  if (unit.name !== name) note(`${name} is an alias of ${unit.name}`);

  const path = dropInOf(unit.name);
  const before = contentOf(join(root, path));
  const words = before === null ? undefined : intactWords(path, before);
  const isOurDirectory = words === undefined ? !isDirectory(join(root, dirname(path))) : madeDirectory(words);
  const changes: Change[] = [{ path, before, after: dropIn(unit.name, plan, isOurDirectory) }];
  if (plan.environmentFile) {
    const { path, after } = plan.environmentFile;
    changes.push({ path, before: environmentText(path, root), after });
  }
  for (const remark of plan.remarks) note(remark);
  if (moduleState('smc', root) === 'absent') note('this kernel has no SMC: the service will run over TCP');
  if (settings.rcvbuf !== undefined) noteBufferLimit('rmem_max', settings.rcvbuf, context);
  if (settings.sndbuf !== undefined) noteBufferLimit('wmem_max', settings.sndbuf, context);
  return applyChanges(context, options, {
    unit,
    changes,
    facts: {
      way: plan.way,
      lines: plan.lines.map(({ text, reason }) => ({ text, reason })),
      remarks: plan.remarks,
    },
    done: () => undefined,
  });
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
