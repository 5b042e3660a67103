// SPDX-License-Identifier: MIT
/** smc_run --enable, --disable, --status: systemd services over SMC. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Parsed, UsageError } from '../../cli/options.ts';
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import { contentOf, type Seal, seal, sealOf, withoutBlock } from '../../host/drop-in.ts';
import { moduleState } from '../../host/kernel-module.ts';
import { nativeFile } from '../../host/package-files.ts';
import { inDirectory } from '../../host/safe-directory.ts';
import { seccompObstacle } from '../../host/seccomp.ts';
import { readSysctl } from '../../host/sysctl.ts';
import { readUnit, type Unit } from '../../host/systemd-unit.ts';
import { unifiedDiff } from '../../output/diff.ts';
import type { Json } from '../../output/json.ts';
import { SmcError } from '../../smc/error.ts';
import { findAddon, findLauncher, findPreloadLibraries } from '../../smc/native-parts.ts';
import {
  BLOCK_WORDS,
  changedByHand,
  environmentText,
  type Host,
  type Plan,
  planService,
} from './service-plan.ts';
import { settingsOf } from './settings.ts';

/** Behind override.conf, which `systemctl edit` makes: the last one to speak of LD_PRELOAD wins. */
const DROP_IN = 'zz-smc.conf';
const DIRECTORY = '/etc/systemd/system';

const NOTHING_ENABLED = 'no service is enabled for SMC';

/** Status of `--status UNIT` for a unit that is not enabled. */
const STATUS_NOT_ENABLED = 3;

/** A change to a file; null: there is no file. */
interface Change {
  path: string;
  before: string | null;
  after: string | null;
}

/** What smc_run does with services. */
const MODES = ['enable', 'disable', 'disable-all', 'status'] as const;

/** Options that say how a service is converted. */
const WITH_ENABLE = ['debug', 'rcvbuf', 'sndbuf', 'via', 'socket', 'strict', 'only', 'except'];

/**
 * Called when one of `--enable UNIT`, `--disable UNIT` and `--status` is given; the unit of `--status` is the only
 * operand, if there is one.
 * @returns exit status
 */
export async function serviceMode(context: Context, parsed: Parsed): Promise<number> {
  const { flags, values, operands } = parsed;
  const modes = MODES.filter((name) => flags.has(name));
  if (modes.length > 1) throw new UsageError(`--${modes[0]} and --${modes[1]} exclude each other`);
  const unfit = ['report', 'require-smc', 'log'].find((name) => flags.has(name));
  if (unfit) throw new UsageError(`--${unfit} is for programs that smc_run starts itself, not for services`);
  const idle = flags.has('enable') ? undefined : WITH_ENABLE.find((name) => flags.has(name));
  if (idle) throw new UsageError(`--${idle} has no effect on --${modes[0]}: it goes with --enable`);
  // a recorded system has no units
  context.needsRunningSystem(`--${modes[0]}`);
  if (flags.has('status')) {
    if (flags.has('dry-run')) throw new UsageError('--status changes nothing, with or without --dry-run');
    if (operands.length > 1) throw new UsageError('--status takes one unit at most');
    return status(context, flags.has('json'), operands[0]);
  }
  if (flags.has('disable-all')) {
    if (operands.length > 0)
      throw new UsageError(`--disable-all takes no unit, '${operands[0]}' is too much`);
    if (flags.has('json')) throw new UsageError('--disable-all has no JSON: use --status -j and --disable');
    return disableAll(context, parsed);
  }
  const [mode] = modes as ['enable' | 'disable'];
  if (operands.length > 0) throw new UsageError(`--${mode} takes one unit, '${operands[0]}' is too much`);
  const name = serviceName(values[mode] ?? '');
  return mode === 'enable' ? enable(context, parsed, name) : disable(context, parsed, name);
}

const TYPES = /\.(socket|device|mount|automount|swap|target|path|timer|slice|scope)$/;

/** @throws UsageError */
function serviceName(text: string): string {
  const type = TYPES.exec(text)?.[1];
  if (type) throw new UsageError(`${text} is a ${type} and starts no program: name the service`);
  const name = text.endsWith('.service') ? text : `${text}.service`;
  if (!/^[\w:.\\@-]+\.service$/.test(name) || name.startsWith('@') || name.length > 255)
    throw new UsageError(`'${text}' is not the name of a unit`);
  return name;
}

/** @throws SmcError when there is no such unit to change */
function serviceUnit(name: string, root: string, without?: string): Unit {
  const unit = readUnit(name, root, without);
  if (unit === 'masked')
    throw new SmcError('NOT_SUPPORTED', `${name} is masked, so it cannot start`, {
      hint: `systemctl unmask ${name}`,
    });
  if (unit === 'missing')
    throw new SmcError('NOT_FOUND', `there is no unit ${name}`, {
      hint: 'systemctl list-unit-files --type=service shows what there is',
    });
  return unit;
}

const dropInOf = (name: string): string => `${DIRECTORY}/${name}.d/${DROP_IN}`;

// ---- enable and disable ----

async function enable(context: Context, parsed: Parsed, name: string): Promise<number> {
  const { hostRoot: root, note } = context;
  const settings = settingsOf(parsed);
  const unit = serviceUnit(name, root, DROP_IN);
  const plan = planService(unit, settings, hostOf(root));
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
  noteLimit('rmem_max', settings.rcvbuf, context);
  noteLimit('wmem_max', settings.sndbuf, context);
  return carryOut(context, parsed, {
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

/** A service is not the place to raise a limit of the whole host, which would not outlast a reboot either. */
function noteLimit(name: string, bytes: number | undefined, { note, hostRoot }: Context): void {
  const limit = readSysctl(`net.core.${name}`, hostRoot);
  if (bytes !== undefined && limit !== undefined && bytes > Number(limit))
    note(
      `buffers are capped at net.core.${name} = ${limit} bytes`,
      `put net.core.${name} = ${bytes} into a file in /etc/sysctl.d`,
    );
}

async function disable(context: Context, parsed: Parsed, name: string): Promise<number> {
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
  return carryOut(context, parsed, {
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

/** @returns 1 if one of them could not be disabled; the others are */
async function disableAll(context: Context, parsed: Parsed): Promise<number> {
  let result = 0;
  const names = enabledUnits(context.hostRoot);
  if (names.length === 0) context.note(NOTHING_ENABLED);
  for (const name of names)
    try {
      await disable(context, parsed, name);
    } catch (error) {
      if (!(error instanceof SmcError)) throw error;
      context.note(error.message, error.hint);
      result = 1;
    }
  return result;
}

interface Work {
  unit: Unit;
  changes: readonly Change[];
  facts: { way: string | null; lines: Json; remarks: Json };
  /** after all changes */
  done: () => void;
}

/** Shows the changes, makes them unless it is a dry run, and has systemd read them. */
async function carryOut(
  { io, note, paint, hostRoot: root }: Context,
  { flags }: Parsed,
  { unit, changes, facts, done }: Work,
): Promise<number> {
  const isDryRun = flags.has('dry-run');
  const due = changes.filter(({ before, after }) => before !== after);
  let reload: 'done' | 'needed' | null = null;
  if (due.length > 0 && !isDryRun) {
    for (const change of due) apply(change, root);
    done();
    reload = (await reloadSystemd(root)) ? 'done' : 'needed';
  }
  if (flags.has('json')) {
    const document = {
      unit: unit.name,
      action: flags.has('enable') ? 'enable' : 'disable',
      dry_run: isDryRun,
      changed: due.length > 0 && !isDryRun,
      ...facts,
      files: due.map(({ path, before, after }) => ({ path, before, after })),
      reload,
    };
    writeDocument({ io }, document);
    return 0;
  }
  if (due.length === 0)
    note(flags.has('enable') ? `${unit.name} is enabled already` : `${unit.name} is not enabled for SMC`);
  for (const { path, before, after } of due)
    for (const line of unifiedDiff(path, before, after)) {
      const style = /^\+(?!\+\+)/.test(line) ? 'good' : /^-(?!--)/.test(line) ? 'bad' : undefined;
      io.write(`${style ? paint(style, line) : line}\n`);
    }
  if (reload === 'needed') note('systemd has to read its units again', 'systemctl daemon-reload');
  if (reload)
    note(`it takes effect when the service starts again: systemctl restart ${restartable(unit.name)}`);
  return 0;
}

/** No state of the suite is larger, and no file of settings. */
const SIZE_LIMIT = 1 << 20;

/**
 * Makes one change. The directory may belong to the user of the service, who can swap names in it at any moment: nothing
 * in it is done by path, and owner and mode are those of the very file that was read.
 * @throws SmcError when it is not as it was when the change was thought out; UntrustedError
 */
function apply({ path, before, after }: Change, root: string): void {
  const name = basename(path);
  inDirectory(dirname(path), { root, make: 0o755 }, (directory) => {
    const found = directory.read(name, SIZE_LIMIT);
    if ((found?.content.toString('utf8') ?? null) !== before)
      throw new SmcError('NOT_SUPPORTED', `${path} was changed meanwhile`, { hint: 'try again' });
    if (after === null) directory.remove(name);
    else if (found) directory.replace(name, after, { mode: found.stats.mode, owner: found.stats });
    else directory.replace(name, after, { mode: 0o644 });
  });
}

const restartable = (name: string): string =>
  name.replace('@.service', "@*.service'").replace(/^(.*')$/, "'$1");

/** @returns whether systemd was asked, and did it */
async function reloadSystemd(root: string): Promise<boolean> {
  if (root !== '/' || contentOf('/proc/1/comm') !== 'systemd\n') return false;
  const { spawnSync } = await import('node:child_process');
  return spawnSync('systemctl', ['daemon-reload'], { stdio: 'ignore' }).status === 0;
}

function dropIn(name: string, { lines, environmentFile }: Plan, isOurDirectory: boolean): string {
  const words = [
    `made by smc_run --enable ${name}, removed by --disable`,
    ...(isOurDirectory ? ['with its directory'] : []),
    ...(environmentFile ? [`also ${environmentFile.path}`] : []),
  ].join('; ');
  let reason = '';
  const body = lines.map((line) => {
    const comment = line.reason === reason ? '' : `# ${line.reason}\n`;
    reason = line.reason;
    return `${comment}${line.text}\n`;
  });
  return seal(words, `[Service]\n${body.join('')}`);
}

const madeDirectory = (words: string): boolean => words.includes('; with its directory');

/** @throws SmcError when the file is not as it was made */
function intactWords(path: string, content: string): string {
  const { seal, words } = sealOf(content);
  if (seal === 'intact') return words;
  if (seal === 'changed') throw changedByHand(path);
  throw new SmcError('EXISTS', `${path} is not of smc_run`, { hint: 'give it another name' });
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

// ---- what there is on this host ----

function hostOf(root: string): Host {
  const { getxattr } = findAddon();
  return {
    root,
    shims: findPreloadLibraries(),
    launcher: nativeFile('smc-launch'),
    noSeccomp: findLauncher() ? seccompObstacle(root) : 'smc-launch was not built',
    hasInetSocket: hasInetSocket(root),
    knowsAfSmc: knowsAfSmc(root),
    getxattr,
  };
}

/** IPPROTO_SMC, since 6.11: its module is found by an alias, and is in the list of protocols when it is loaded. */
function hasInetSocket(root: string): boolean {
  if (/^INET_SMC /m.test(contentOf(join(root, 'proc/net/protocols')) ?? '')) return true;
  const release = (contentOf(join(root, 'proc/sys/kernel/osrelease')) ?? '').trim();
  return /net-pf-2-proto-256-type-1 /.test(
    contentOf(join(root, 'lib/modules', release, 'modules.alias')) ?? '',
  );
}

/**
 * systemd has the names of the address families compiled in, those that its C library knew: AF_SMC since glibc 2.26. It
 * ignores a name that it does not know, with a line in the journal.
 */
function knowsAfSmc(root: string): boolean {
  const folders = ['usr/lib/systemd', 'lib/systemd'];
  for (const library of ['usr/lib', 'lib', 'usr/lib64'])
    for (const entry of entries(join(root, library)))
      if (entry.includes('-linux-')) folders.push(`${library}/${entry}/systemd`);
  const files = folders.flatMap((folder) =>
    entries(join(root, folder))
      .filter((name) => name === 'systemd' || /^libsystemd-shared-.*\.so$/.test(name))
      .map((name) => join(root, folder, name)),
  );
  return files.some((file) => readFileSync(file).includes('\0AF_SMC\0'));
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

// ---- status ----

interface State {
  unit: string;
  enabled: boolean;
  file: string | null;
  /** null: there is no file */
  seal: Seal | null;
  way: string | null;
  /** the unit's file is there, and not masked */
  exists: boolean;
  /** processes of the service, and those of them that have the library or run under the launcher; null: not running */
  processes: { all: number; converted: number } | null;
}

function status(
  { io, note, hostRoot: root, paint }: Context,
  json: boolean,
  given: string | undefined,
): number {
  const asked = given === undefined ? undefined : serviceName(given);
  const names = asked === undefined ? enabledUnits(root) : [serviceUnit(asked, root).name];
  const states = names.map((name) => stateOf(name, root));
  if (json) {
    const rows = states.map((state) => ({ ...state, processes: state.processes && { ...state.processes } }));
    writeDocument({ io }, { services: rows });
  } else {
    if (states.length === 0) note(NOTHING_ENABLED);
    for (const state of states) {
      const line = `${state.unit.padEnd(30)} ${(state.way ?? '-').padEnd(10)} ${inWords(state)}`;
      io.write(`${state.enabled ? line : paint('dim', line)}\n`);
    }
  }
  return asked !== undefined && !states[0]?.enabled ? STATUS_NOT_ENABLED : 0;
}

function enabledUnits(root: string): string[] {
  return entries(join(root, DIRECTORY))
    .filter((entry) => entry.endsWith('.service.d'))
    .map((entry) => entry.slice(0, -'.d'.length))
    .filter((name) => contentOf(join(root, dropInOf(name))) !== null)
    .sort();
}

function stateOf(unit: string, root: string): State {
  const path = dropInOf(unit);
  const content = contentOf(join(root, path));
  const way =
    content === null
      ? null
      : /; also /.test(sealOf(content).words)
        ? 'postgresql'
        : /^ExecStart=$/m.test(content)
          ? 'seccomp'
          : 'preload';
  return {
    unit,
    enabled: content !== null,
    file: content === null ? null : path,
    seal: content === null ? null : sealOf(content).seal,
    way,
    exists: typeof readUnit(unit, root) !== 'string',
    processes: processesOf(unit, root),
  };
}

/** One line for people. */
function inWords({ enabled, seal, exists, processes }: State): string {
  const parts: string[] = [enabled ? 'enabled' : 'not enabled'];
  if (seal === 'changed') parts.push('changed by hand');
  if (seal === 'foreign') parts.push('by a file that is not of smc_run');
  if (!exists) parts.push('there is no such unit any more');
  if (!processes) parts.push('not running');
  else {
    parts.push(`${processes.converted} of ${processes.all} processes converted`);
    if (enabled && processes.converted === 0) parts.push('restart it');
  }
  return parts.join(', ');
}

/**
 * Looks at the processes in the service's control group: whether the library is mapped, or the supervisor of the seccomp
 * way is there, which covers all of them.
 */
function processesOf(unit: string, root: string): State['processes'] {
  const group = groupOf(unit, root);
  if (!group) return null;
  const processes = idsIn(group).map((id) => join(root, 'proc', id));
  const isLauncher = (process: string): boolean => read(join(process, 'comm')) === 'smc-launch\n';
  const programs = processes.filter((process) => !isLauncher(process));
  const isSupervised = programs.length < processes.length;
  const converted = programs.filter(
    (process) => isSupervised || /\/libsmc-preload[^/]*\.so$/m.test(read(join(process, 'maps'))),
  );
  return programs.length > 0 ? { all: programs.length, converted: converted.length } : null;
}

/** Content of a file of a process, which may have ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Control group of a unit: below system.slice, template instances in a slice of their own, or where Slice= says. */
function groupOf(unit: string, root: string): string | undefined {
  for (const top of ['sys/fs/cgroup', 'sys/fs/cgroup/systemd']) {
    const candidates = [join(root, top, 'system.slice')];
    for (let directory = candidates.pop(); directory; directory = candidates.pop()) {
      for (const entry of entries(directory)) {
        const path = join(directory, entry);
        if (entry === unit) return path;
        if (entry.endsWith('.slice')) candidates.push(path);
      }
    }
  }
  return undefined;
}

function idsIn(group: string): string[] {
  const own = (contentOf(join(group, 'cgroup.procs')) ?? '').split('\n').filter(Boolean);
  const below = entries(group).filter((entry) => isDirectory(join(group, entry)));
  return [...own, ...below.flatMap((entry) => idsIn(join(group, entry)))];
}
