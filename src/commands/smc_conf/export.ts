// SPDX-License-Identifier: MIT
/** `export`: the running state as a file. */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { UsageError } from '../../cli/options.ts';
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { ConfigurationDocument } from '../../documents/smc_conf.ts';
import { inDirectory } from '../../host/safe-directory.ts';
import { unifiedDiff } from '../../output/diff.ts';
import { printable } from '../../output/printable.ts';
import type { Configuration } from './configuration.ts';
import { documentOf } from './document.ts';
import { parseConfiguration } from './file.ts';
import { type Hardware, readHardware } from './hardware.ts';
import { isAsStarted, mergedFile } from './merge-yaml.ts';
import { type ConfOptions, DEFAULT_FILE } from './options.ts';
import { representable } from './representable.ts';
import { namedNamespaces, readRunning } from './running.ts';
import { nameInMessages, readSource, STANDARD_INPUT } from './source.ts';
import { newFile } from './write-yaml.ts';

/** @returns exit status */
export async function exportMode(context: Context, options: ConfOptions): Promise<number> {
  const { file, merge, dryRun, json } = options;
  if (!merge && file !== undefined)
    throw new UsageError('export prints the state; to put it into a file, use --merge, or > FILE');
  if (!merge && dryRun) throw new UsageError('--dry-run has no effect on export without --merge');
  if (merge && json) throw new UsageError('--json and --merge exclude each other');
  if (merge) return mergeInto(context, file ?? DEFAULT_FILE, dryRun);
  const { state, hardware, leftOut } = await fileState(context);
  const used = withoutUntouched(state);
  if (json) writeDocument<ConfigurationDocument>(context, documentOf(used));
  else context.io.write(newFile(used, hardware, { leftOut, isRecorded: context.isRecorded }));
  return 0;
}

/** What a file can have of the state of this host. */
async function fileState(
  context: Context,
): Promise<{ state: Configuration; hardware: Hardware; leftOut: string[] }> {
  const { note, hostRoot, isRecorded } = context;
  const names = isRecorded ? [] : namedNamespaces(hostRoot);
  const running = await readRunning(context, names);
  for (const { namespace, reason } of running.notRead)
    note(`network namespace ${namespace} is left out: ${reason}`);
  const { state, leftOut } = representable(running.state);
  for (const text of leftOut) note(`${text} is left out: a file cannot have it`);
  return { state, hardware: await readHardware(await context.client(), hostRoot), leftOut };
}

async function mergeInto(context: Context, file: string, isDry: boolean): Promise<number> {
  const { io, note, isRecorded } = context;
  if (!isDry && file !== STANDARD_INPUT) context.needsRunningSystem('--merge');
  const before = isThere(file) ? await readSource(file) : undefined;
  // mistakes in the file are reported before the kernel is asked
  const parsed = before === undefined ? undefined : parseConfiguration(before, nameInMessages(file));
  const { state, hardware, leftOut } = await fileState(context);
  const after =
    parsed && before !== undefined
      ? mergedFile(parsed, before, state)
      : newFile(withoutUntouched(state), hardware, { leftOut, isRecorded });
  if (file === STANDARD_INPUT) io.write(after);
  else if (isDry)
    for (const line of unifiedDiff(file, before ?? null, after)) io.write(`${printable(line)}\n`);
  else if (after === before) {
    if (io.isTerminal) note(`${file} has the state of this host already`);
  } else writeFile(file, after);
  return 0;
}

/** In one step, so that nobody reads a part of it; a file that is there keeps its mode and owner. */
function writeFile(file: string, text: string): void {
  const path = isThere(file) ? realpathSync(file) : file;
  const { mode = 0o644, uid, gid } = lstatSync(path, { throwIfNoEntry: false }) ?? {};
  const owner = uid === undefined || gid === undefined ? {} : { owner: { uid, gid } };
  inDirectory(dirname(path), { make: 0o755 }, (directory) =>
    directory.replace(basename(path), text, { mode, ...owner }),
  );
}

const isThere = (file: string): boolean =>
  file === STANDARD_INPUT || lstatSync(file, { throwIfNoEntry: false }) !== undefined;

/** Without the namespaces in which nobody has set anything. */
function withoutUntouched(state: Configuration): Configuration {
  const namespaces = [...(state.namespaces ?? [])].filter(([, settings]) => !isAsStarted(settings));
  return { ...state, namespaces: new Map(namespaces) };
}
