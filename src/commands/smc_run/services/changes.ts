// SPDX-License-Identifier: MIT
/** The changes of --enable and --disable: shown, made, and read by systemd. */
import { writeDifference, writeDocument } from '../../../cli/print.ts';
import type { Context } from '../../../cli/run.ts';
import type { ServiceChangeDocument } from '../../../documents/smc_run.ts';
import { unifiedDiff } from '../../../output/diff.ts';
import type { Made } from '../../../output/document.ts';
import { makeServiceChange, reloadSystemd, type ServiceChange } from '../../services/changes.ts';
import { restartable } from '../../services/unit.ts';
import type { RunOptions } from '../options.ts';

/** Shows the changes, makes them unless it is a dry run, and has systemd read them. @returns exit status */
export async function applyChanges(
  context: Context,
  options: RunOptions,
  change: ServiceChange,
  facts: Pick<Made<ServiceChangeDocument>, 'way' | 'lines' | 'remarks'>,
): Promise<number> {
  const { io, note, hostRoot: root } = context;
  const isDryRun = options.dryRun;
  const { unit, files } = change;
  let reload: 'done' | 'needed' | null = null;
  if (files.length > 0 && !isDryRun) {
    makeServiceChange(change, root);
    reload = (await reloadSystemd(root)) ? 'done' : 'needed';
  }
  if (options.json) {
    writeDocument<ServiceChangeDocument>(
      { io },
      {
        unit: unit.name,
        action: options.enable !== undefined ? 'enable' : 'disable',
        dry_run: isDryRun,
        changed: files.length > 0 && !isDryRun,
        ...facts,
        files: files.map(({ path, before, after }) => ({ path, before, after })),
        reload,
      },
    );
    return 0;
  }
  if (files.length === 0)
    note(
      options.enable !== undefined
        ? `${unit.name} is enabled already`
        : `${unit.name} is not enabled for SMC`,
    );
  for (const { path, before, after } of files) writeDifference(context, unifiedDiff(path, before, after));
  if (reload === 'needed') note('systemd must reload its units', 'systemctl daemon-reload');
  if (reload)
    note(`this takes effect when the service restarts: systemctl restart ${restartable(unit.name)}`);
  return 0;
}
