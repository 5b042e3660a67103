// SPDX-License-Identifier: MIT
/** smc_run: starts a TCP program so that its stream sockets become SMC sockets. */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Parsed, UsageError } from '../cli/options.ts';
import type { CommandDefinition, Context } from '../cli/run.ts';
import { moduleState } from '../host/kernel-module.ts';
import { nativeFile, nativeSource } from '../host/package-files.ts';
import {
  type InheritedState,
  inheritedState,
  rawArguments,
  rawEnvironment,
  STATE_VARIABLE,
} from '../host/process-state.ts';
import { printable } from '../output/table.ts';
import { SmcError } from '../smc/error.ts';
import { serviceMode } from './run/service.ts';

export const smcRun: CommandDefinition = {
  name: 'smc_run',
  usage: '[options] [--] COMMAND [ARGUMENT...] | --enable UNIT | --disable UNIT | --status [UNIT]',
  summary: 'Runs a TCP program over SMC: its TCP sockets become SMC sockets, and TCP stays the fallback.',
  options: [
    { short: 'd', long: 'debug', help: 'report each socket on stderr, and at the end what became of them' },
    {
      short: 'r',
      long: 'rcvbuf',
      value: 'SIZE',
      help: 'receive buffer of the SMC sockets, in bytes or with k or m',
    },
    {
      short: 't',
      long: 'sndbuf',
      value: 'SIZE',
      help: 'send buffer of the SMC sockets, in bytes or with k or m',
    },
    { long: 'via', value: 'WAY', help: 'how to convert: auto, preload or seccomp' },
    { long: 'socket', value: 'KIND', help: 'what sockets become: af_smc, inet (IPPROTO_SMC) or auto' },
    { long: 'strict', help: 'no TCP where SMC cannot work: refuse to start, or fail the socket' },
    { long: 'only', value: 'RULE', repeatable: true, help: 'convert in these programs only: command=GLOB' },
    {
      long: 'except',
      value: 'RULE',
      repeatable: true,
      help: 'convert in all programs but these: command=GLOB',
    },
    { long: 'report', help: 'tell at the end what the connections ran over, and why' },
    { long: 'require-smc', help: 'status 123 when not all connections ran over SMC' },
    { long: 'log', value: 'FILE', help: 'append the report to FILE instead of stderr' },
    { short: 'j', long: 'json', help: 'the report as JSON' },
    { long: 'enable', value: 'UNIT', help: 'make a systemd service run over SMC' },
    { long: 'disable', value: 'UNIT', help: 'undo --enable' },
    { long: 'status', help: 'tell which services run over SMC, or what UNIT does' },
    { long: 'dry-run', help: 'with --enable and --disable: show what would change' },
  ],
  examples: [
    ['smc_run iperf3 -s', 'an iperf3 server over SMC'],
    ['smc_run -d curl http://server/', 'show which sockets are converted'],
    ['smc_run -r 512k -t 512k ./program', 'larger buffers for its SMC sockets'],
  ],
  stopAtOperand: true,
  run: (context, parsed) =>
    SERVICE_OPTIONS.some((name) => parsed.flags.has(name))
      ? serviceMode(context, parsed)
      : execute(context, parsed),
};

/** Options that make it a tool for systemd units; the operand of --status is the unit. */
const SERVICE_OPTIONS = ['enable', 'disable', 'status'];

/** Exit status when COMMAND cannot be executed, and when there is none; as shells do. */
const STATUS_CANNOT_EXECUTE = 126;
const STATUS_NOT_FOUND = 127;

/** Where execvp(3) looks when PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

function execute(
  { io, note, hostRoot, needsRunningSystem }: Context,
  { flags, values, operands }: Parsed,
): number {
  needsRunningSystem('a program');
  if (operands.length === 0) throw new UsageError('name the program to run');
  const rcvbuf = checkSize('rcvbuf', values['rcvbuf']);
  const sndbuf = checkSize('sndbuf', values['sndbuf']);
  const shim = findShim();
  const execve = loadExecve();

  if (moduleState('smc', hostRoot) === 'absent')
    note('this kernel has no SMC: the program will run over TCP');
  if (rcvbuf !== undefined) raiseLimit('rmem_max', rcvbuf, note, hostRoot);
  if (sndbuf !== undefined) raiseLimit('wmem_max', sndbuf, note, hostRoot);

  const given = rawEnvironment(io.env);
  const environment = withVariables(given, {
    LD_PRELOAD: preloadList(variable(given, 'LD_PRELOAD'), shim),
    ...(flags.has('debug') && { SMC_DEBUG: '1' }),
    ...(rcvbuf !== undefined && { SMC_RCVBUF: String(rcvbuf) }),
    ...(sndbuf !== undefined && { SMC_SNDBUF: String(sndbuf) }),
    [STATE_VARIABLE]: undefined,
  });
  const state = inheritedState(io.env[STATE_VARIABLE]);
  const run: Execve = (file, argv) => execve(file, argv, environment, state);
  for (const fd of state.closedFds ?? []) closeSync(fd);
  return replaceProcess(rawArguments(operands), variable(given, 'PATH'), run, note);
}

/** Largest value that setsockopt(2) takes for SO_RCVBUF and SO_SNDBUF. */
const SIZE_MAX = 0x7fff_ffff;

/** @returns bytes */
function checkSize(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit] = /^([0-9]+)([kKmM]?)$/.exec(text) ?? [];
  const factor = unit === '' ? 1 : unit?.toLowerCase() === 'k' ? 1024 : 1024 * 1024;
  const bytes = Number(digits) * factor;
  if (digits === undefined || bytes === 0)
    throw new UsageError(`--${option} '${text}' is not a size: give bytes, or a number with k or m`);
  if (bytes > SIZE_MAX) throw new UsageError(`--${option} ${text} is too large: at most ${SIZE_MAX} bytes`);
  return bytes;
}

/** The C part is built when the package is installed, where there is a compiler. */
const buildHint = (): string => `install a C compiler, then: node ${nativeSource('build.mjs')}`;

function findShim(): string {
  const shim = nativeFile('libsmc-preload.so');
  if (!existsSync(shim))
    throw new SmcError('NOT_SUPPORTED', `the preload library is missing (${shim})`, {
      hint: buildHint(),
    });
  // LD_PRELOAD is split at both and knows no quotes
  if (/[ :]/.test(shim))
    throw new SmcError(
      'NOT_SUPPORTED',
      `the path ${shim} must not have blanks or colons, LD_PRELOAD cannot hold it`,
      {
        hint: 'install the package elsewhere',
      },
    );
  return shim;
}

/**
 * Names and values are bytes, not text. As latin1 every byte is a character, so they can be taken apart as strings.
 */
const toBytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const fromBytes = (bytes: string | Buffer): string => Buffer.from(bytes as Buffer).toString('latin1');

/** Value of a variable as latin1, the first one if there are several, as for getenv(3). */
function variable(environment: readonly (string | Buffer)[], name: string): string | undefined {
  const entry = environment.map(fromBytes).find((text) => text.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

/** The caller's list in its order, then ours; ours is not added twice when smc_run runs smc_run. */
function preloadList(existing: string | undefined, shim: string): Buffer {
  const list = (existing ?? '').replace(/^[ :]+|[ :]+$/g, '');
  if (list === '') return Buffer.from(shim);
  const isOurs = (path: string): boolean => {
    try {
      return path.includes('/') && realpathSync(toBytes(path)) === realpathSync(shim);
    } catch {
      return false;
    }
  };
  return toBytes(list.split(/[ :]+/).some(isOurs) ? list : `${list}:${fromBytes(shim)}`);
}

/** Replaces variables, at the end of the list; `undefined` removes. */
function withVariables(
  environment: (string | Buffer)[],
  changes: Record<string, string | Buffer | undefined>,
): (string | Buffer)[] {
  const isChanged = (entry: string | Buffer): boolean => {
    const text = fromBytes(entry);
    return Object.keys(changes).some((name) => text.startsWith(`${name}=`));
  };
  const added = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [Buffer.concat([toBytes(`${name}=`), Buffer.from(value as Buffer)])],
  );
  return [...environment.filter((entry) => !isChanged(entry)), ...added];
}

/**
 * The kernel silently caps SO_RCVBUF and SO_SNDBUF at net.core.rmem_max and wmem_max. Root may lift the limit, which
 * holds for the whole host; nobody else can, so that is said and the program gets what there is.
 */
function raiseLimit(
  name: 'rmem_max' | 'wmem_max',
  bytes: number,
  note: Context['note'],
  hostRoot: string,
): void {
  const file = join(hostRoot, 'proc/sys/net/core', name);
  let limit: number;
  try {
    limit = Number(readFileSync(file, 'latin1'));
  } catch {
    return; // not to be seen in this network namespace: the kernel decides
  }
  if (bytes <= limit) return;
  const capped = `buffers are capped at net.core.${name} = ${limit} bytes`;
  if (process.geteuid?.() !== 0) {
    note(capped, `as root: sysctl -w net.core.${name}=${bytes}`);
    return;
  }
  try {
    writeFileSync(file, String(bytes));
    note(`net.core.${name} raised from ${limit} to ${bytes} bytes, for the whole host until it reboots`);
  } catch (error) {
    note(`${capped}, it cannot be raised (${(error as NodeJS.ErrnoException).code})`);
  }
}

type Execve = (file: string | Buffer, argv: (string | Buffer)[]) => never;

type NativeExecve = (
  file: string | Buffer,
  argv: (string | Buffer)[],
  environment: (string | Buffer)[],
  state: InheritedState,
) => never;

function loadExecve(): NativeExecve {
  const addon = nativeFile('smc-native.node');
  try {
    return (createRequire(import.meta.url)(addon) as { execve: NativeExecve }).execve;
  } catch (cause) {
    throw new SmcError('NOT_SUPPORTED', `the native addon cannot be loaded (${addon})`, {
      hint: buildHint(),
      cause,
    });
  }
}

/**
 * Becomes the program, found as execvp(3) would find it.
 * @param path as latin1
 * @returns exit status, only when that failed
 */
function replaceProcess(
  argv: (string | Buffer)[],
  path: string | undefined,
  run: Execve,
  note: Context['note'],
): number {
  const command = fromBytes(argv[0] ?? '');
  const candidates = command.includes('/')
    ? [command]
    : (path ?? DEFAULT_PATH).split(':').map((directory) => `${directory || '.'}/${command}`);
  let refused: string | undefined;
  for (const file of candidates.map(toBytes)) {
    if (command === '') break;
    const name = printable(file.toString());
    try {
      run(file, argv);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      switch (code) {
        case 'ENOENT':
        case 'ENOTDIR':
          // the interpreter of a script that is there may be what is missing
          if (!existsSync(file)) continue;
          note(`${name}: its interpreter was not found`);
          return STATUS_CANNOT_EXECUTE;
        case 'EACCES':
          refused ??= isDirectory(file) ? `${name}: is a directory` : `${name}: permission denied`;
          continue;
        case 'ENOEXEC':
          return runByShell(file, argv, run, note);
        case 'E2BIG':
          note(`${name}: argument list too long`);
          return STATUS_CANNOT_EXECUTE;
        default:
          if (code === undefined) throw error;
          note(`${name}: cannot be executed (${code})`);
          return STATUS_CANNOT_EXECUTE;
      }
    }
  }
  if (refused) {
    note(refused);
    return STATUS_CANNOT_EXECUTE;
  }
  note(`${printable(String(argv[0])) || "''"}: command not found`);
  return STATUS_NOT_FOUND;
}

/** A text file without #! line is a shell script, as for shells and execvp(3). */
function runByShell(file: Buffer, argv: (string | Buffer)[], run: Execve, note: Context['note']): number {
  const start = Buffer.alloc(80);
  let length = 0;
  try {
    const fd = openSync(file, 'r');
    length = readSync(fd, start);
    closeSync(fd);
  } catch {
    // executable but not readable: the shell could not read it either
  }
  if (length > 0 && !start.subarray(0, length).includes(0))
    run('/bin/sh', ['/bin/sh', file, ...argv.slice(1)]);
  note(`${printable(file.toString())}: not a program for this machine (exec format error)`);
  return STATUS_CANNOT_EXECUTE;
}

function isDirectory(path: Buffer): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
