// SPDX-License-Identifier: MIT
/** smc_conf status: whether the file is applied at boot, and how that went. */
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { BootDocument } from '../../documents/smc_conf.ts';
import { contentOf, sealOf } from '../../host/drop-in.ts';
import type { Made } from '../../output/document.ts';
import { printable } from '../../output/printable.ts';
import { systemctl } from '../services/changes.ts';
import { inPackage, LINK, UNIT } from './boot-files.ts';
import { type ConfOptions, DEFAULT_FILE } from './options.ts';

/** As `systemctl is-enabled` and `smc_run --status` have it. */
const STATUS_NOT_ENABLED = 3;

/** @returns exit status */
export async function status(context: Context, { json }: ConfOptions): Promise<number> {
  const state = await bootState(context.hostRoot);
  if (json) writeDocument<BootDocument>(context, state);
  else for (const [name, text] of inWords(state)) context.io.write(`${name.padEnd(9)} ${printable(text)}\n`);
  return state.enabled ? 0 : STATUS_NOT_ENABLED;
}

async function bootState(root: string): Promise<Made<BootDocument>> {
  const link = lstatSync(join(root, LINK), { throwIfNoEntry: false });
  const own = contentOf(join(root, UNIT));
  const unit = own === null ? (inPackage(root) ?? null) : UNIT;
  const text = unit === null ? null : (own ?? contentOf(join(root, unit)));
  const file = fileOf(text) ?? DEFAULT_FILE;
  return {
    enabled: unit !== null && link?.isSymbolicLink() === true,
    unit,
    seal: own === null ? null : sealOf(own).seal,
    file,
    file_exists: existsSync(join(root, file)),
    last_run: await lastRun(root),
  };
}

/** The file in ExecStart=. */
function fileOf(unit: string | null): string | undefined {
  const [, quoted, plain] = /^ExecStart=.* apply -f (?:"((?:[^"\\]|\\.)*)"|(\S+))/m.exec(unit ?? '') ?? [];
  const word = quoted?.replace(/\\(.)/g, '$1') ?? plain;
  return word?.replaceAll('%%', '%').replaceAll('$$', '$');
}

/** What systemd knows of the unit. */
async function lastRun(root: string): Promise<Made<BootDocument>['last_run']> {
  const properties = 'ActiveState,Result,ExecMainExitTimestamp,ExecMainStatus';
  const shown = await systemctl(root, ['show', 'smc-tools.service', `--property=${properties}`]);
  if (shown?.status !== 0) return null;
  const values = new Map(
    shown.stdout.split('\n').map((line): [string, string] => {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return [name, value];
    }),
  );
  const time = values.get('ExecMainExitTimestamp');
  return {
    state: values.get('ActiveState') ?? 'unknown',
    result: values.get('Result') ?? 'unknown',
    time: time || null,
  };
}

/** Lines for people. */
function inWords({
  enabled,
  unit,
  seal,
  file,
  file_exists,
  last_run,
}: Made<BootDocument>): [string, string][] {
  const by = unit === null ? 'there is no unit' : unit;
  const hand = seal === 'changed' ? ', changed by hand' : seal === 'foreign' ? ', not made by smc_conf' : '';
  return [
    ['at boot', `${enabled ? 'yes' : 'no'} (${by}${hand})`],
    ['file', `${file}${file_exists ? '' : ', which does not exist'}`],
    ['last run', runInWords(last_run)],
  ];
}

function runInWords(run: Made<BootDocument>['last_run']): string {
  if (!run) return 'systemd does not run here';
  if (run.time === null) return 'none since the boot';
  return run.result === 'success'
    ? `succeeded, ${run.time}`
    : `failed (${run.result}), ${run.time}; see journalctl -u smc-tools`;
}
