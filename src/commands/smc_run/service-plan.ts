// SPDX-License-Identifier: MIT
/**
 * What a systemd service needs to run over SMC: the lines of a drop-in, and why each is there. Nothing is written and
 * nothing is asked of a running systemd.
 */

import { lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { contentOf, withBlock, withoutBlock } from '../../host/drop-in.ts';
import { type Caller, lookAtProgram, type Program } from '../../host/program.ts';
import { inDirectory } from '../../host/safe-directory.ts';
import {
  type Assignment,
  environmentOf,
  expandSpecifiers,
  isYes,
  listOf,
  nameParts,
  quoteWord,
  readUnit,
  settingOf,
  splitWords,
  type Unit,
  unitNames,
  type Word,
} from '../../host/systemd-unit.ts';
import { UntrustedError } from '../../host/untrusted-error.ts';
import { SmcError } from '../../smc/error.ts';
import type { PreloadLibrary } from '../../smc/native-parts.ts';
import { preloadVariables } from './environment.ts';
import { conversion } from './launch.ts';
import type { Settings } from './settings.ts';
import { type Decision, decide } from './way.ts';

/** A line of the drop-in, and its reason in a clause. */
export interface Line {
  reason: string;
  text: string;
}

export interface Plan {
  way: 'preload' | 'seccomp' | 'postgresql';
  lines: Line[];
  /** what the drop-in cannot mend */
  remarks: string[];
  /** another file that gets a block of ours, with its content before (without ours) and after */
  environmentFile: { path: string; before: string; after: string } | null;
}

/** What the plan depends on besides the unit. */
export interface Host {
  /** root of all files */
  root: string;
  shims: readonly PreloadLibrary[];
  /** path of smc-launch */
  launcher: string;
  /** why the seccomp way is closed here, in a clause */
  noSeccomp: string | null;
  /** the kernel has IPPROTO_SMC */
  hasInetSocket: boolean;
  /** systemd has AF_SMC among the address families that RestrictAddressFamilies= can name */
  knowsAfSmc: boolean;
  getxattr?: (file: Buffer, name: string) => Uint8Array | null;
}

/** Where the library and the launcher appear in a unit that cannot see their own place. */
const SHOWN_IN = '/run/smc-tools';

/** Begin of the comment over the block in an environment file of PostgreSQL. */
export const BLOCK_WORDS = 'added by smc_run';

/** Where systemd looks for programs without a path (the default of its DefaultPath). */
const SERVICE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Somebody who is not root; which user it is makes no difference to the checks. */
const SOMEBODY = 65_534;

const refuse = (message: string, hint?: string): SmcError => new SmcError('NOT_SUPPORTED', message, { hint });

/**
 * Decides for one service.
 * @param unit without a drop-in of ours
 * @throws SmcError when the service cannot be made to run over SMC
 */
export function planService(unit: Unit, settings: Settings, host: Host): Plan {
  const commands = listOf(unit, 'ExecStart').flatMap(({ value }) => commandsOf(value));
  if (commands.length === 0) throw refuse(`${unit.name} starts no program: it has no ExecStart=`);
  checkPostgresService(unit, commands, host.root);
  checkRoot(unit, host);

  const remarks = [...socketActivation(unit, host.root), ...surroundings(unit)];
  const caller = callerOf(unit);
  const decisions = commands.map((command) => lookAndDecide(unit, command, caller, settings, host));
  const way = commands.some(({ argv }) => isPgCtlCluster(argv))
    ? 'postgresql'
    : decisions.some(({ decision }) => decision.way === 'seccomp')
      ? 'seccomp'
      : 'preload';
  const shim = decisions[0]?.decision.shim ?? host.shims[0];
  if (!shim) throw refuse('the preload library is missing');

  const lines: Line[] = [];
  const isOrdinary = caller.uid !== 0 || way === 'postgresql';
  const library = way === 'seccomp' ? '' : show(unit, shim.file, isOrdinary, host, lines);
  let environmentFile: Plan['environmentFile'] = null;
  if (way === 'postgresql') {
    environmentFile = postgresEnvironment(unit, commands, variables(library, settings), host.root);
  } else if (way === 'preload') {
    lines.push(preload(unit, library, host.root));
    const [, ...options] = variables(library, settings);
    if (options.length > 0)
      lines.push({
        reason: 'options of smc_run, for the library',
        text: `Environment=${options.map(([name, value]) => quoteWord(`${name}=${value}`)).join(' ')}`,
      });
  } else {
    const launcher = show(unit, host.launcher, isOrdinary, host, lines);
    lines.push(...launched(unit, commands, decisions, launcher, settings));
  }
  const family = addressFamilies(unit, settings, host);
  if (family) lines.push(family);
  return { way, lines, remarks, environmentFile };
}

/** One command of an ExecStart= line. */
interface Command {
  /** special characters in front of the program */
  prefix: string;
  /** program and arguments; with the prefix @ the second word is the name that the program is to see */
  argv: string[];
  /** the arguments after the program (and after its name), as written */
  rest: string;
  name: string | undefined;
}

/** Commands of a value of ExecStart=, which a lone semicolon separates. */
export function commandsOf(value: string): Command[] {
  const groups: Word[][] = [[]];
  for (const word of splitWords(value))
    if (word.text === ';' && !word.isQuoted && word.end - word.start === 1) groups.push([]);
    else groups.at(-1)!.push(word);
  return groups
    .filter((words) => words.length > 0)
    .map((words) => {
      const [, prefix = '', program = ''] = /^([-@:+!|]*)(.*)$/s.exec(words[0]!.text) ?? [];
      const name = prefix.includes('@') ? words[1]?.text : undefined;
      const begin = words[name === undefined ? 1 : 2];
      const rest = begin ? value.slice(begin.start, words.at(-1)!.end) : '';
      const args = words.slice(name === undefined ? 1 : 2).map(({ text }) => text);
      return { prefix, argv: [program, ...args], rest, name };
    });
}

/** What the program is looked at as: who starts it, with which privilege. */
function callerOf(unit: Unit): Caller {
  const user = settingOf(unit, 'User');
  const isRoot = (user === undefined || user === 'root' || user === '0') && !isDynamic(unit);
  return {
    uid: isRoot ? 0 : SOMEBODY,
    gid: isRoot ? 0 : SOMEBODY,
    isAdmin: isRoot,
    hasNoNewPrivileges: isYes(settingOf(unit, 'NoNewPrivileges')),
  };
}

const isDynamic = (unit: Unit): boolean => isYes(settingOf(unit, 'DynamicUser'));

function lookAndDecide(
  unit: Unit,
  { argv }: Command,
  caller: Caller,
  settings: Settings,
  { shims, noSeccomp, root, getxattr }: Host,
): { decision: Decision; program: Program } {
  const words = argv.map((word) => expandSpecifiers(word, unit.name));
  const program = lookAtProgram(words, {
    caller,
    path: SERVICE_PATH,
    root,
    ...(getxattr && { getxattr }),
  });
  if (!program) throw refuse(`${unit.name} starts ${words[0]}, which is not there or cannot be executed`);
  const decision = decide(settings.via, program, { isAdmin: caller.isAdmin, shims, noSeccomp });
  if (!decision.works && !isPgCtlCluster(argv)) throw refuse(`${unit.name}: ${decision.reason}`);
  return { decision, program };
}

/** Variables of the library, in words. */
function variables(library: string, settings: Settings): [string, string][] {
  return Object.entries(preloadVariables(settings, library)).map(([name, value]) => [name, String(value)]);
}

/** LD_PRELOAD= with what the unit has in it already; a later assignment of a variable replaces an earlier one. */
function preload(unit: Unit, library: string, root: string): Line {
  const file = listOf(unit, 'EnvironmentFile').find((entry) => setsPreload(unit, entry, root));
  if (file)
    throw refuse(
      `LD_PRELOAD is set in ${file.value.replace(/^-/, '')}, which overrides what a drop-in says`,
      `append :${library} to it by hand`,
    );
  const unset = listOf(unit, 'UnsetEnvironment').find(({ value }) =>
    splitWords(value).some(({ text }) => /^LD_PRELOAD(=|$)/.test(text)),
  );
  if (unset)
    throw refuse(
      `UnsetEnvironment= of ${unit.name} takes LD_PRELOAD away (${unset.file})`,
      'use --via seccomp',
    );
  const own = environmentOf(unit).get('LD_PRELOAD');
  return {
    reason: own ? 'the library, behind what the unit preloads' : 'the library that opens SMC sockets',
    text: `Environment=${own ? joined(own, library) : quoteWord(`LD_PRELOAD=${library}`)}`,
  };
}

/** The unit's own value may have specifiers, which must not be quoted away. */
function joined(own: string, library: string): string {
  return `"LD_PRELOAD=${own.replace(/["\\]/g, '\\$&')}:${library.replaceAll('%', '%%')}"`;
}

function setsPreload(unit: Unit, { value }: Assignment, root: string): boolean {
  const path = expandSpecifiers(value.replace(/^-/, ''), unit.name);
  // patterns and unknown specifiers are not followed
  if (/[*?[%]/.test(path)) return false;
  return /^\s*LD_PRELOAD=/m.test(contentOf(join(root, path)) ?? '');
}

// ---- the seccomp way: the launcher in front of the program ----

/** System calls that smc-launch makes and that a filter of the unit may lack. */
const LAUNCHER_CALLS =
  'seccomp ioctl prctl poll socketpair setsid wait4 kill setrlimit prlimit64 setfsuid setfsgid';

/** smc-launch becomes the program: same process, so that notification, watchdog and socket activation see no change. */
function launched(
  unit: Unit,
  commands: readonly Command[],
  decisions: readonly { decision: Decision; program: Program }[],
  launcher: string,
  settings: Settings,
): Line[] {
  const why = decisions.find(({ decision }) => decision.reason)?.decision.reason;
  const lines: Line[] = [{ reason: why ?? 'as --via seccomp asks', text: 'ExecStart=' }];
  commands.forEach((command, index) => {
    const { decision, program } = decisions[index]!;
    lines.push({
      reason: 'the same command',
      text: `ExecStart=${
        decision.way === 'seccomp'
          ? launchedCommand(command, launcher, program.file, settings)
          : [`${command.prefix}${quoteWord(command.argv[0]!)}`, command.name, command.rest]
              .filter(Boolean)
              .join(' ')
      }`,
    });
  });
  if (listOf(unit, 'SystemCallFilter').length > 0)
    lines.push({
      reason: 'the unit filters system calls, and the launcher needs these',
      text: `SystemCallFilter=${LAUNCHER_CALLS}`,
    });
  return lines;
}

function launchedCommand(
  { prefix, argv, rest, name }: Command,
  launcher: string,
  file: string,
  settings: Settings,
): string {
  const words = [...conversion(settings), '--', file, name ?? argv[0]!].map((word) => quoteWord(word));
  return [`${prefix.replace('@', '')}${launcher}`, ...words, rest].filter(Boolean).join(' ');
}

// ---- what the unit's sandbox hides and forbids ----

/** Whether the settings of a sandbox let a process open sockets of this family. */
export function allowsFamily(unit: Unit, family: string): boolean {
  let families: Set<string> | undefined;
  let isAllowList = true;
  for (const { value } of listOf(unit, 'RestrictAddressFamilies')) {
    const isInverted = value.startsWith('~');
    if (!families) {
      families = new Set();
      isAllowList = !isInverted;
    }
    for (const { text } of splitWords(value.replace(/^~/, '')))
      if (text !== 'none' && isInverted !== isAllowList) families.add(text);
      else families.delete(text);
  }
  return families === undefined || families.has(family) === isAllowList;
}

function addressFamilies(
  unit: Unit,
  { socket }: Settings,
  { knowsAfSmc, hasInetSocket }: Host,
): Line | undefined {
  if (!allowsFamily(unit, 'AF_INET') && !allowsFamily(unit, 'AF_INET6'))
    throw refuse(
      `RestrictAddressFamilies= of ${unit.name} forbids TCP altogether, so there is nothing to convert`,
    );
  if (socket === 'inet' || allowsFamily(unit, 'AF_SMC')) return undefined;
  if (!knowsAfSmc)
    throw refuse(
      `RestrictAddressFamilies= of ${unit.name} forbids SMC sockets, and this systemd does not know the name AF_SMC`,
      hasInetSocket
        ? 'use --socket inet'
        : 'a newer systemd, or a kernel from 6.11 on with --socket inet, is needed',
    );
  return {
    reason: 'the unit names the address families it may use, and AF_SMC is not among them',
    text: 'RestrictAddressFamilies=AF_SMC',
  };
}

/** A unit with a root of its own sees the package only if it is installed there as well. */
function checkRoot(unit: Unit, { root, shims }: Host): void {
  const image = ['RootImage', 'RootMStack'].find((key) => settingOf(unit, key));
  const directory = settingOf(unit, 'RootDirectory');
  const place = image ? settingOf(unit, image) : directory;
  if (!place || place === '/') return;
  const library = shims[0]?.file ?? '';
  if (!image && lstatSync(join(root, place, library), { throwIfNoEntry: false })) return;
  throw refuse(
    `${unit.name} runs in a root of its own (${image ?? 'RootDirectory'}=${place}), where ${library} is not`,
    'install smc-tools there at the same path',
  );
}

/** @returns the path at which the unit sees a file of ours; adds a line when that is another one */
function show(unit: Unit, file: string, isOrdinary: boolean, host: Host, lines: Line[]): string {
  checkTrust(file, host.root);
  const reason = hiddenBy(unit, file) ?? (isOrdinary ? outOfReach(file, host.root) : undefined);
  let path = file;
  if (reason) {
    path = `${SHOWN_IN}/${file.slice(file.lastIndexOf('/') + 1)}`;
    // with the dash a service starts, over TCP, when the package has gone
    lines.push({ reason, text: `BindReadOnlyPaths=${quoteWord(`-${file}:${path}`)}` });
  }
  if (listOf(unit, 'NoExecPaths').length > 0) {
    // the launcher is linked with the C library, which a static program does without
    const more = file === host.launcher ? ' -/lib -/lib64 -/usr/lib -/usr/lib64' : '';
    lines.push({
      reason: 'NoExecPaths= of the unit would keep code from being loaded',
      text: `ExecPaths=${quoteWord(path)}${more}`,
    });
  }
  return path;
}

const isBelow = (path: string, directory: string): boolean =>
  directory === '/' || path === directory || path.startsWith(`${directory.replace(/\/+$/, '')}/`);

const HOMES = ['/home', '/root', '/run/user'];

/** The setting that hides a path from the unit, in a clause. */
export function hiddenBy(unit: Unit, path: string): string | undefined {
  const home = settingOf(unit, 'ProtectHome') ?? '';
  if ((isYes(home) || home === 'tmpfs') && HOMES.some((directory) => isBelow(path, directory)))
    return `ProtectHome=${home} hides the place of the package`;
  const isPrivate = isYes(settingOf(unit, 'PrivateTmp')) || settingOf(unit, 'PrivateTmp') === 'disconnected';
  if ((isPrivate || isDynamic(unit)) && (isBelow(path, '/tmp') || isBelow(path, '/var/tmp')))
    return `${isPrivate ? 'PrivateTmp=' : 'DynamicUser='} hides the place of the package`;
  for (const key of ['InaccessiblePaths', 'TemporaryFileSystem'])
    for (const { value } of listOf(unit, key))
      for (const { text } of splitWords(value))
        if (isBelow(path, text.replace(/^[-+]+/, '').replace(/:.*$/, '')))
          return `${key}=${text} hides the place of the package`;
  return undefined;
}

const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

/** Why an ordinary user cannot get at a file, in a clause. @throws SmcError when showing it elsewhere is no help */
function outOfReach(file: string, root: string): string | undefined {
  const stats = lstatSync(join(root, file));
  if (!(stats.mode & OTHERS_READ)) throw refuse(`${file} may not be read by everybody`, `chmod a+rx ${file}`);
  const closed = directoriesOf(file).find((path) => !(lstatSync(join(root, path)).mode & OTHERS_ENTER));
  return closed && `the user of the service may not enter ${closed}`;
}

const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Who can replace the library runs code in the service. */
function checkTrust(file: string, root: string): void {
  const owners = [0, lstatSync(root).uid];
  for (const path of [file, ...directoriesOf(file)]) {
    const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (!stats) throw refuse(`${file} is not there`);
    const isWritable = stats.mode & GROUP_OR_OTHERS_WRITE && !(stats.isDirectory() && stats.mode & STICKY);
    if (owners.includes(stats.uid) && !isWritable) continue;
    throw refuse(
      `${path} ${owners.includes(stats.uid) ? 'can be written by others than its owner' : `belongs to user ${stats.uid}, not to root`}: who can change the library could run code in the service`,
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

// ---- sockets that systemd opens ----

/** Socket units that pass TCP sockets to the service. */
function socketUnits(unit: Unit, root: string): { name: string; ports: string[] }[] {
  const { prefix, instance } = nameParts(unit.name);
  const own = splitWords(
    listOf(unit, 'Sockets')
      .map(({ value }) => value)
      .join(' '),
  ).map(({ text }) => text);
  return unitNames('socket', root).flatMap((name) => {
    const socket = readUnit(name, root);
    if (typeof socket === 'string' || socket.name !== name) return [];
    const serves = settingOf(socket, 'Service', 'Socket');
    const isForUs =
      serves === unit.name ||
      own.includes(name) ||
      (serves === undefined && nameParts(name).prefix === prefix && nameParts(name).instance === instance) ||
      // with Accept=yes each connection gets an instance
      (instance !== undefined && name === `${prefix}.socket` && isYes(settingOf(socket, 'Accept', 'Socket')));
    const ports = listOf(socket, 'ListenStream', 'Socket')
      .map(({ value }) => value)
      .filter((value) => !/^[/@%]|^vsock:/.test(value));
    return isForUs && ports.length > 0 ? [{ name, ports }] : [];
  });
}

function socketActivation(unit: Unit, root: string): string[] {
  return socketUnits(unit, root).map(
    ({ name, ports }) =>
      `${name} has systemd itself listen on ${ports.join(', ')}, and such a socket stays TCP; stop and disable ${name} if the program can listen by itself`,
  );
}

/** Settings that may keep the library or SMC away, and of which files do not tell whether they do. */
function surroundings(unit: Unit): string[] {
  const remarks: string[] = [];
  for (const key of ['AppArmorProfile', 'SELinuxContext', 'SmackProcessLabel'])
    if (settingOf(unit, key))
      remarks.push(`${key}= may keep the program from reading the library or from opening SMC sockets`);
  if (isYes(settingOf(unit, 'PrivateNetwork')))
    remarks.push(
      'PrivateNetwork= leaves the service without a network device, so without SMC to other hosts',
    );
  return remarks;
}

// ---- PostgreSQL of Debian ----

const isPgCtlCluster = ([program = '']: readonly string[]): boolean => program.endsWith('/pg_ctlcluster');

/** postgresql.service of Debian is there to start and stop all clusters, and runs /bin/true. */
function checkPostgresService(unit: Unit, commands: readonly Command[], root: string): void {
  const isEmpty = commands.every(({ argv }) => /^(\/usr)?\/bin\/true$/.test(argv[0] ?? ''));
  if (!isEmpty) return;
  const clusters = unitNames('service', root).includes(`${nameParts(unit.name).prefix}@.service`);
  throw refuse(
    `${unit.name} runs no program of its own`,
    clusters ? `name an instance, such as ${nameParts(unit.name).prefix}@15-main.service` : undefined,
  );
}

/**
 * pg_ctlcluster starts the server with an empty environment and what the cluster's file `environment` holds, whose
 * format is that of postgresql.conf.
 */
function postgresEnvironment(
  unit: Unit,
  commands: readonly Command[],
  values: readonly (readonly [string, string])[],
  root: string,
): NonNullable<Plan['environmentFile']> {
  const words = commands.flatMap(({ argv }) => argv.map((word) => expandSpecifiers(word, unit.name)));
  const [, version, cluster] = words.map((word) => /^(\d[\d.]*)-([^/]+)$/.exec(word)).find(Boolean) ?? [];
  if (!version || !cluster)
    throw refuse(`${unit.name} names no cluster`, 'name an instance, such as postgresql@15-main.service');
  const path = `/etc/postgresql/${version}/${cluster}/environment`;
  const content = environmentText(path, root);
  if (content === null) throw refuse(`${path} is not there`);
  const found = withoutBlock(content, BLOCK_WORDS);
  if (found?.seal === 'changed') throw changedByHand(path);
  const before = found?.text ?? content;
  if (/^\s*LD_PRELOAD\s*=/m.test(before))
    throw refuse(`${path} sets LD_PRELOAD already`, 'append the library of smc_run to it by hand');
  const block = values.map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`).join('');
  return { path, before, after: withBlock(before, `${BLOCK_WORDS} --enable ${unit.name}`, block) };
}

/** More than any such file needs. */
const ENVIRONMENT_LIMIT = 1 << 20;

/**
 * Content of an environment file; null when it is not there. Its directory belongs to the user of the service, who may
 * have put a link to another file there.
 * @throws SmcError
 */
export function environmentText(path: string, root: string): string | null {
  try {
    const found = inDirectory(dirname(path), { root }, (directory) =>
      directory.read(basename(path), ENVIRONMENT_LIMIT),
    );
    return found ? found.content.toString('utf8') : null;
  } catch (error) {
    if (error instanceof UntrustedError) throw refuse(`${error.path} is not used: ${error.message}`);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A file of ours that somebody edited. */
export function changedByHand(path: string): SmcError {
  return refuse(
    `${path} was changed by hand since smc_run made it`,
    'move the changes to another file and delete it, then try again',
  );
}
