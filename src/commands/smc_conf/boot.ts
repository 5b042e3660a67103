// SPDX-License-Identifier: MIT
/** smc_conf enable and disable: whether the file is applied at every boot. */
import { lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { UsageError } from '../../cli/options.ts';
import { writeDifference } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import { contentOf, seal, sealOf } from '../../host/drop-in.ts';
import { inDirectory } from '../../host/safe-directory.ts';
import { entries } from '../../host/sysfs.ts';
import { unifiedDiff } from '../../output/diff.ts';
import { SmcError } from '../../smc/error.ts';
import { changeFile, type FileChange, reloadSystemd } from '../services/changes.ts';
import { bootCommand, bootTemplate, FILES, inPackage, LINK, UNIT } from './boot-files.ts';
import { type ConfOptions, DEFAULT_FILE } from './options.ts';

/** What enable and disable change. */
interface BootChanges {
  files: FileChange[];
  /** symbolic links, with what they lead to; null: to be removed */
  links: { path: string; target: string | null }[];
  /** directories that were made for these files, and go with them if they are empty */
  directories: string[];
}

/** @returns exit status */
export async function enable(context: Context, options: ConfOptions): Promise<number> {
  const { hostRoot: root, note } = context;
  const file = options.file === undefined ? undefined : absolute(options.file);
  const changes = planEnable(file, root);
  if (contentOf(join(root, file ?? DEFAULT_FILE)) === null)
    note(`there is no ${file ?? DEFAULT_FILE} yet`, `smc_conf export > ${file ?? DEFAULT_FILE}`);
  const isChanged = await carryOut(context, options, changes, 'it is enabled already');
  if (isChanged) note('this takes effect at the next boot', 'systemctl start smc-tools applies it now');
  return 0;
}

/** @returns exit status */
export async function disable(context: Context, options: ConfOptions): Promise<number> {
  await carryOut(context, options, planDisable(context.hostRoot), 'it is not enabled');
  return 0;
}

function absolute(file: string): string {
  if (file === '-') throw new UsageError('enable needs a file: standard input is not there at boot');
  return isAbsolute(file) ? file : resolve(file);
}

function planEnable(file: string | undefined, root: string): BootChanges {
  const isPackaged = file === undefined && inPackage(root);
  const files = isPackaged ? [] : FILES.map(({ name, path }) => fileChange(name, path, file, root));
  const target = isPackaged ? inPackage(root)! : UNIT;
  // systemctl spells /usr/lib in its own way
  const present = linkTarget(LINK, root);
  const isLinked = present === target || (isPackaged && /^(?:\/usr)?\/lib\//.test(present ?? ''));
  return {
    files: files.filter(({ before, after }) => before !== after),
    links: isLinked ? [] : [{ path: LINK, target }],
    directories: [],
  };
}

/** One of the files that npm's package cannot bring to their places itself. */
function fileChange(name: string, path: string, file: string | undefined, root: string): FileChange {
  const before = contentOf(join(root, path));
  if (before !== null) checkOurs(path, before);
  const made = before === null ? missingDirectories(path, root) : madeDirectories(sealOf(before).words);
  const words = `made by smc_conf enable, removed by smc_conf disable${made.length > 0 ? `; with ${made.join(' ')}` : ''}`;
  const text = bootTemplate(name, root).replaceAll('/usr/bin/smc_conf', bootCommand(root));
  const after = file === undefined ? text : text.replaceAll(/(smc_conf\S* apply)/g, `$1 -f ${quoted(file)}`);
  return { path, before, after: seal(words, after) };
}

/** A word of ExecStart=. */
function quoted(file: string): string {
  const escaped = file.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./%$+:@-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, '\\$&')}"`;
}

/** The directories of a file that have to be made, the innermost first. */
function missingDirectories(path: string, root: string): string[] {
  const directory = dirname(path);
  const isThere = directory === '/' || lstatSync(join(root, directory), { throwIfNoEntry: false });
  return isThere ? [] : [directory, ...missingDirectories(directory, root)];
}

/** The directories that were made with a file, from the words of its first line. */
const madeDirectories = (words: string): string[] => / with ([^;]+)$/.exec(words)?.[1]?.split(' ') ?? [];

/** @throws SmcError when the file is not as it was made */
function checkOurs(path: string, content: string): void {
  const { seal } = sealOf(content);
  if (seal === 'changed')
    throw new SmcError('NOT_SUPPORTED', `${path} was changed by hand since smc_conf made it`, {
      hint: 'put the changes into a drop-in (systemctl edit smc-tools), delete this file, and try again',
    });
  if (seal === 'foreign')
    throw new SmcError('EXISTS', `${path} was not made by smc_conf`, { hint: 'rename it' });
}

function planDisable(root: string): BootChanges {
  const files: FileChange[] = [];
  const directories: string[] = [dirname(LINK)];
  for (const { path } of FILES) {
    const before = contentOf(join(root, path));
    if (before === null) continue;
    checkOurs(path, before);
    files.push({ path, before, after: null });
    directories.push(...madeDirectories(sealOf(before).words));
  }
  const links = [LINK, ...(files.length > 0 ? instanceLinks(root) : [])].filter(
    (path) => linkTarget(path, root) !== undefined,
  );
  return {
    files,
    links: links.map((path) => ({ path, target: null })),
    directories: [...new Set([...directories, ...links.map((path) => dirname(path))])],
  };
}

/** Links of instances of our template, which would lead to nothing. */
function instanceLinks(root: string): string[] {
  const directory = dirname(UNIT);
  return entries(join(root, directory))
    .filter((name) => /\.(?:wants|requires)$/.test(name))
    .flatMap((name) => entries(join(root, directory, name)).map((link) => join(directory, name, link)))
    .filter((path) => /^smc-tools@.*\.service$/.test(basename(path)));
}

function linkTarget(path: string, root: string): string | undefined {
  return lstatSync(join(root, path), { throwIfNoEntry: false })?.isSymbolicLink()
    ? readlinkSync(join(root, path))
    : undefined;
}

/** Shows the changes, and makes them unless it is a dry run. @returns whether something was changed */
async function carryOut(
  context: Context,
  { dryRun }: ConfOptions,
  { files, links, directories }: BootChanges,
  nothing: string,
): Promise<boolean> {
  const { io, note, hostRoot: root } = context;
  if (files.length + links.length === 0) {
    note(nothing);
    return false;
  }
  for (const { path, before, after } of files) writeDifference(context, unifiedDiff(path, before, after));
  for (const { path, target } of links)
    io.write(`${target === null ? `remove the link ${path}` : `link ${path} to ${target}`}\n`);
  if (dryRun) return false;
  // the link goes first and comes last: a link to nothing would be reported at boot
  for (const { path, target } of links) if (target === null) removeLink(path, root);
  for (const change of files) changeFile(change, root);
  for (const { path, target } of links) if (target !== null) makeLink(path, target, root);
  for (const directory of directories) removeDirectory(directory, root);
  if (!(await reloadSystemd(root))) note('systemd must reload its units', 'systemctl daemon-reload');
  return true;
}

function removeLink(path: string, root: string): void {
  inDirectory(dirname(path), { root }, (directory) => directory.remove(basename(path)));
}

function makeLink(path: string, target: string, root: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true, mode: 0o755 });
  if (linkTarget(path, root) !== undefined) removeLink(path, root);
  symlinkSync(target, join(root, path));
}

function removeDirectory(path: string, root: string): void {
  if (!lstatSync(join(root, path), { throwIfNoEntry: false })) return;
  inDirectory(dirname(path), { root }, (above) => above.removeIfEmpty(basename(path)));
}
