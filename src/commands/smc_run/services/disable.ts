// SPDX-License-Identifier: MIT
/** smc_run --disable and --disable-all: take away what --enable added. */
import { basename, dirname, join } from 'node:path';
import type { Context } from '../../../cli/run.ts';
import { contentOf, withoutBlock } from '../../../host/drop-in.ts';
import { inDirectory } from '../../../host/safe-directory.ts';
import { readUnit } from '../../../host/systemd-unit.ts';
import { SmcError } from '../../../smc/error.ts';
import type { RunOptions } from '../options.ts';
import { applyChanges, type Change } from './changes.ts';
import { dropInOf, enabledUnits, intactWords, madeDirectory, NOTHING_ENABLED } from './drop-in.ts';
import { BLOCK_WORDS, environmentText } from './postgresql.ts';
import { changedByHand } from './refusal.ts';
import { serviceUnit } from './unit.ts';

/** Disables one service. @returns exit status */
export async function disable(context: Context, options: RunOptions, name: string): Promise<number> {
  const { hostRoot: root, note } = context;
  // a unit that has gone, or is masked now, can still be cleaned up
  const found = readUnit(name, root);
  const unit = typeof found === 'string' ? { name, file: '', dropIns: [], assignments: [] } : found;
  if (unit.name !== name) note(`${name} is an alias of ${unit.name}`);
  const path = dropInOf(unit.name);
  const before = contentOf(join(root, path));
  if (before === null) serviceUnit(name, root);
  const words = before === null ? '' : intactWords(path, before);
  const changes: Change[] = before === null ? [] : [{ path, before, after: null }];
  const environmentFile = /; also (\/[^;]*)/.exec(words)?.[1];
  const content = environmentFile ? environmentText(environmentFile, root) : null;
  if (environmentFile && content !== null) {
    const without = withoutBlock(content, BLOCK_WORDS);
    if (without?.seal === 'changed') throw changedByHand(environmentFile);
    if (without) changes.push({ path: environmentFile, before: content, after: without.text });
  }
  return applyChanges(context, options, {
    unit,
    changes,
    facts: { way: null, lines: [], remarks: [] },
    done: () => {
      if (!madeDirectory(words)) return;
      const directory = dirname(path);
      inDirectory(dirname(directory), { root }, (above) => above.removeIfEmpty(basename(directory)));
    },
  });
}

/** Disables every enabled service. @returns 1 if one of them could not be disabled; the others are */
export async function disableAll(context: Context, options: RunOptions): Promise<number> {
  let result = 0;
  const names = enabledUnits(context.hostRoot);
  if (names.length === 0) context.note(NOTHING_ENABLED);
  for (const name of names)
    try {
      await disable(context, options, name);
    } catch (error) {
      if (!(error instanceof SmcError)) throw error;
      context.note(error.message, error.hint);
      result = 1;
    }
  return result;
}
