// SPDX-License-Identifier: MIT
/** What the sandbox of a unit hides and forbids. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { isYes, listOf, quoteWord, settingOf, splitWords, type Unit } from '../../host/systemd-unit.ts';
import { refuse } from './refusal.ts';
import type { Line, ServiceHost } from './types.ts';

/** Where a unit sees the library and the launcher if it cannot see the package. */
const SHOWN_IN = '/run/smc-tools';

/** A unit with a root of its own sees the package only if it is installed there. @throws SmcError if it is not */
export function checkRoot(unit: Unit, { root, libraries }: ServiceHost): void {
  const image = ['RootImage', 'RootMStack'].find((key) => settingOf(unit, key));
  const directory = settingOf(unit, 'RootDirectory');
  const place = image ? settingOf(unit, image) : directory;
  if (!place || place === '/') return;
  const library = libraries[0]?.file ?? '';
  if (!image && lstatSync(join(root, place, library), { throwIfNoEntry: false })) return;
  throw refuse(
    `${unit.name} has its own root (${image ?? 'RootDirectory'}=${place}), which does not contain ${library}`,
    'install smc-tools at the same path there',
  );
}

/**
 * Makes a file of the package visible to the unit, and adds the lines that this needs.
 * @param isOrdinary the unit does not run as root
 * @returns the path at which the unit sees the file
 * @throws SmcError when the file cannot be trusted
 */
export function showFile(
  unit: Unit,
  file: string,
  isOrdinary: boolean,
  host: ServiceHost,
  lines: Line[],
): string {
  checkTrust(file, host.root);
  const reason = hiddenBy(unit, file) ?? (isOrdinary ? outOfReach(file, host.root) : undefined);
  let path = file;
  if (reason) {
    path = `${SHOWN_IN}/${file.slice(file.lastIndexOf('/') + 1)}`;
    // with the dash, the service also starts when the package has gone, over TCP
    lines.push({ reason, text: `BindReadOnlyPaths=${quoteWord(`-${file}:${path}`)}` });
  }
  if (listOf(unit, 'NoExecPaths').length > 0) {
    // the launcher needs the C library, even if the program is linked statically
    const more = file === host.launcher ? ' -/lib -/lib64 -/usr/lib -/usr/lib64' : '';
    lines.push({
      reason: 'NoExecPaths= of the unit would forbid executing this file',
      text: `ExecPaths=${quoteWord(path)}${more}`,
    });
  }
  return path;
}

const isBelow = (path: string, directory: string): boolean =>
  directory === '/' || path === directory || path.startsWith(`${directory.replace(/\/+$/, '')}/`);

const HOMES = ['/home', '/root', '/run/user'];

/** The setting that hides a path from the unit, in a clause. */
function hiddenBy(unit: Unit, path: string): string | undefined {
  const home = settingOf(unit, 'ProtectHome') ?? '';
  if ((isYes(home) || home === 'tmpfs') && HOMES.some((directory) => isBelow(path, directory)))
    return `ProtectHome=${home} hides the directory of the package`;
  const isPrivate = isYes(settingOf(unit, 'PrivateTmp')) || settingOf(unit, 'PrivateTmp') === 'disconnected';
  if ((isPrivate || isDynamic(unit)) && (isBelow(path, '/tmp') || isBelow(path, '/var/tmp')))
    return `${isPrivate ? 'PrivateTmp=' : 'DynamicUser='} hides the directory of the package`;
  for (const key of ['InaccessiblePaths', 'TemporaryFileSystem'])
    for (const { value } of listOf(unit, key))
      for (const { text } of splitWords(value))
        if (isBelow(path, text.replace(/^[-+]+/, '').replace(/:.*$/, '')))
          return `${key}=${text} hides the directory of the package`;
  return undefined;
}

const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

/** Why an ordinary user cannot read a file, in a clause. @throws SmcError when showing it elsewhere is no help */
function outOfReach(file: string, root: string): string | undefined {
  const stats = lstatSync(join(root, file));
  if (!(stats.mode & OTHERS_READ)) throw refuse(`${file} is not readable by everybody`, `chmod a+rx ${file}`);
  const closed = directoriesOf(file).find((path) => !(lstatSync(join(root, path)).mode & OTHERS_ENTER));
  return closed && `the user of the service cannot enter ${closed}`;
}

const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Whoever can replace a file can run code in the service. @throws SmcError unless only root can */
export function checkTrust(file: string, root: string): void {
  const owners = [0, lstatSync(root).uid];
  for (const path of [file, ...directoriesOf(file)]) {
    const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (!stats) throw refuse(`${file} does not exist`);
    const isWritable = stats.mode & GROUP_OR_OTHERS_WRITE && !(stats.isDirectory() && stats.mode & STICKY);
    if (owners.includes(stats.uid) && !isWritable) continue;
    throw refuse(
      `${path} ${owners.includes(stats.uid) ? 'is writable by users other than its owner' : `belongs to user ${stats.uid}, not to root`}: anyone who can change it could run code in the service`,
      'install the package for the system: npm install -g --prefix /usr/local smc-tools',
    );
  }
}

function directoriesOf(file: string): string[] {
  const directories: string[] = [];
  for (let end = file.lastIndexOf('/'); end >= 0; end = file.lastIndexOf('/', end - 1)) {
    directories.push(file.slice(0, end) || '/');
    if (end === 0) break;
  }
  return directories;
}

/** Whether the unit runs as a user that systemd makes up. */
export const isDynamic = (unit: Unit): boolean => isYes(settingOf(unit, 'DynamicUser'));
