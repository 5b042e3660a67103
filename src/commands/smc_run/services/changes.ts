// SPDX-License-Identifier: MIT
/** The changes of --enable and --disable: shown, made, and read by systemd. */
import { basename, dirname } from 'node:path';
import { writeDocument } from '../../../cli/print.ts';
import type { Context } from '../../../cli/run.ts';
import type { ServiceChangeDocument } from '../../../documents/smc_run.ts';
import { contentOf } from '../../../host/drop-in.ts';
import { inDirectory } from '../../../host/safe-directory.ts';
import type { Unit } from '../../../host/systemd-unit.ts';
import { unifiedDiff } from '../../../output/diff.ts';
import type { Made } from '../../../output/document.ts';
import { SmcError } from '../../../smc/error.ts';
import type { RunOptions } from '../options.ts';
import { restartable } from './unit.ts';

/** A change to a file; null: there is no file. */
export interface Change {
  path: string;
  before: string | null;
  after: string | null;
}

/** All changes that a call makes to one service. */
export interface Changes {
  unit: Unit;
  changes: readonly Change[];
  facts: Pick<Made<ServiceChangeDocument>, 'way' | 'lines' | 'remarks'>;
  /** called after all changes */
  done: () => void;
}

/** Shows the changes, makes them unless it is a dry run, and has systemd read them. @returns exit status */
export async function applyChanges(
  { io, note, paint, hostRoot: root }: Context,
  options: RunOptions,
  { unit, changes, facts, done }: Changes,
): Promise<number> {
  const isDryRun = options.dryRun;
  const due = changes.filter(({ before, after }) => before !== after);
  let reload: 'done' | 'needed' | null = null;
  if (due.length > 0 && !isDryRun) {
    for (const change of due) applyChange(change, root);
    done();
    reload = (await reloadSystemd(root)) ? 'done' : 'needed';
  }
  if (options.json) {
    writeDocument<ServiceChangeDocument>(
      { io },
      {
        unit: unit.name,
        action: options.enable !== undefined ? 'enable' : 'disable',
        dry_run: isDryRun,
        changed: due.length > 0 && !isDryRun,
        ...facts,
        files: due.map(({ path, before, after }) => ({ path, before, after })),
        reload,
      },
    );
    return 0;
  }
  if (due.length === 0)
    note(
      options.enable !== undefined
        ? `${unit.name} is enabled already`
        : `${unit.name} is not enabled for SMC`,
    );
  for (const { path, before, after } of due)
    for (const line of unifiedDiff(path, before, after)) {
      const style = /^\+(?!\+\+)/.test(line) ? 'good' : /^-(?!--)/.test(line) ? 'bad' : undefined;
      io.write(`${style ? paint(style, line) : line}\n`);
    }
  if (reload === 'needed') note('systemd must reload its units', 'systemctl daemon-reload');
  if (reload)
    note(`this takes effect when the service restarts: systemctl restart ${restartable(unit.name)}`);
  return 0;
}

/** More than any drop-in or file of settings needs. */
const SIZE_LIMIT = 1 << 20;

/**
 * Makes one change. The directory may belong to the user of the service, who can rename files in it at any moment. So
 * nothing in it is done by path, and owner and mode are taken from the descriptor of the file that was read.
 * @throws SmcError when the file has changed since the change was planned; UntrustedError
 */
function applyChange({ path, before, after }: Change, root: string): void {
  const name = basename(path);
  inDirectory(dirname(path), { root, make: 0o755 }, (directory) => {
    const found = directory.read(name, SIZE_LIMIT);
    if ((found?.content.toString('utf8') ?? null) !== before)
      throw new SmcError('NOT_SUPPORTED', `${path} has changed in the meantime`, { hint: 'try again' });
    if (after === null) directory.remove(name);
    else if (found) directory.replace(name, after, { mode: found.stats.mode, owner: found.stats });
    else directory.replace(name, after, { mode: 0o644 });
  });
}

/** @returns whether systemd was asked, and did it */
async function reloadSystemd(root: string): Promise<boolean> {
  if (root !== '/' || contentOf('/proc/1/comm') !== 'systemd\n') return false;
  const { spawnSync } = await import('node:child_process');
  return spawnSync('systemctl', ['daemon-reload'], { stdio: 'ignore' }).status === 0;
}
