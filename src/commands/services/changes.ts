// SPDX-License-Identifier: MIT
/** Changes to the files of a service: planned, made, and read by systemd. */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { contentOf, withoutBlock } from '../../host/drop-in.ts';
import { inDirectory } from '../../host/safe-directory.ts';
import { readUnit, type Unit } from '../../host/systemd-unit.ts';
import { SmcError } from '../../smc/error.ts';
import type { Conversion } from './conversion.ts';
import { DROP_IN, dropIn, dropInOf, intactWords, madeDirectory } from './drop-in.ts';
import { serviceHost } from './host.ts';
import { planService } from './plan.ts';
import { BLOCK_WORDS, environmentText } from './postgresql.ts';
import { changedByHand } from './refusal.ts';
import type { Plan } from './types.ts';
import { serviceUnit } from './unit.ts';

/** A change to a file; null: there is no file. */
export interface FileChange {
  path: string;
  before: string | null;
  after: string | null;
}

/** What makes a service run over SMC, or over TCP again. */
export interface ServiceChange {
  unit: Unit;
  /** those that are due: `before` and `after` differ */
  files: FileChange[];
  /** directory that was made for the drop-in, and goes with it */
  ownDirectory?: string | undefined;
}

/**
 * Plans how a service is made to run over SMC.
 * @param name of the unit, with its suffix; an alias is resolved
 * @throws SmcError when that is not possible, or a file was changed by hand
 */
export function planEnable(name: string, settings: Conversion, root: string): ServiceChange & { plan: Plan } {
  const unit = serviceUnit(name, root, DROP_IN);
  const plan = planService(unit, settings, serviceHost(root));
  if (settings.isStrict && plan.remarks[0])
    throw new SmcError('NOT_SUPPORTED', `--strict: ${plan.remarks[0]}`);
  const path = dropInOf(unit.name);
  const before = contentOf(join(root, path));
  const words = before === null ? undefined : intactWords(path, before);
  const isOurDirectory = words === undefined ? !isDirectory(join(root, dirname(path))) : madeDirectory(words);
  const files: FileChange[] = [{ path, before, after: dropIn(unit.name, plan, settings, isOurDirectory) }];
  if (plan.environmentFile) {
    const { path, after } = plan.environmentFile;
    files.push({ path, before: environmentText(path, root), after });
  }
  return { unit, plan, files: files.filter(isDue) };
}

/**
 * Plans how what `planEnable` added is taken away. A unit that has gone, or is masked now, can still be cleaned up.
 * @throws SmcError when a file was changed by hand
 */
export function planDisable(name: string, root: string): ServiceChange {
  const found = readUnit(name, root);
  const unit = typeof found === 'string' ? { name, file: '', dropIns: [], assignments: [] } : found;
  const path = dropInOf(unit.name);
  const before = contentOf(join(root, path));
  if (before === null) serviceUnit(name, root);
  const words = before === null ? '' : intactWords(path, before);
  const files: FileChange[] = before === null ? [] : [{ path, before, after: null }];
  const environmentFile = /; also (\/[^;]*)/.exec(words)?.[1];
  const content = environmentFile ? environmentText(environmentFile, root) : null;
  if (environmentFile && content !== null) {
    const without = withoutBlock(content, BLOCK_WORDS);
    if (without?.seal === 'changed') throw changedByHand(environmentFile);
    if (without) files.push({ path: environmentFile, before: content, after: without.text });
  }
  return {
    unit,
    files: files.filter(isDue),
    ownDirectory: madeDirectory(words) ? dirname(path) : undefined,
  };
}

const isDue = ({ before, after }: FileChange): boolean => before !== after;

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Makes the changes to the files of a service. systemd does not know of them yet.
 * @throws SmcError when a file has changed since; UntrustedError; Node's own error
 */
export function makeServiceChange({ files, ownDirectory }: ServiceChange, root: string): void {
  for (const change of files) changeFile(change, root);
  if (ownDirectory !== undefined && files.length > 0)
    inDirectory(dirname(ownDirectory), { root }, (above) => above.removeIfEmpty(basename(ownDirectory)));
}

/** More than any drop-in or file of settings needs. */
const SIZE_LIMIT = 1 << 20;

/**
 * Makes one change. The directory may belong to the user of the service, who can rename files in it at any moment. So
 * nothing in it is done by path, and owner and mode are taken from the descriptor of the file that was read.
 * @throws SmcError when the file has changed since the change was planned; UntrustedError
 */
export function changeFile({ path, before, after }: FileChange, root: string): void {
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

/** Has systemd read its units again. @returns whether there is a systemd that did */
export async function reloadSystemd(root: string): Promise<boolean> {
  return (await systemctl(root, ['daemon-reload']))?.status === 0;
}

/** Calls systemctl. @returns `undefined` where systemd is not process 1 of this host */
export async function systemctl(
  root: string,
  words: readonly string[],
): Promise<{ status: number | null; stdout: string; stderr: string } | undefined> {
  if (root !== '/' || contentOf('/proc/1/comm') !== 'systemd\n') return undefined;
  const { spawnSync } = await import('node:child_process');
  return spawnSync('systemctl', words, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
}
