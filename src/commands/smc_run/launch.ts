// SPDX-License-Identifier: MIT
/** The command line of smc-launch, which holds the other side of the seccomp way and watches connections. */
import { existsSync } from 'node:fs';
import { nativeFile, packageFile } from '../../host/package-files.ts';
import type { Program } from '../../host/program.ts';
import { openForWriting } from '../../host/safe-directory.ts';
import { SmcError } from '../../smc/error.ts';
import { toBytes, type Variable } from './environment.ts';
import type { Settings } from './settings.ts';
import type { Decision } from './way.ts';

/**
 * Opens the log, so that what is wrong with it shows before the program starts.
 * @throws SmcError
 */
export function openLog(file: string): number {
  try {
    return openForWriting(file, true);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new SmcError('NOT_FOUND', `--log ${file}: cannot be written (${code ?? message})`, { cause });
  }
}

export interface Launch {
  settings: Settings;
  way: Decision['way'];
  /** of the log, for events; undefined: none are wanted */
  logFd: number | undefined;
  program: Program;
  argv: readonly Variable[];
}

/** @returns argument list of smc-launch, its own name included */
export function launchArguments({ settings, way, logFd, program, argv }: Launch): Variable[] {
  const words: Variable[] = [
    'smc-launch',
    ...(way === 'seccomp' ? conversion(settings) : ['--convert', 'none']),
  ];
  if (isWatched(settings)) {
    const [file, first, ...rest] = finisher();
    words.push('--observe', '--finish', file, first);
    // the name of the program only: its arguments may be secret, and the report does not need them
    for (const word of [...rest, ...finishOptions(settings, way), '--', argv[0] ?? ''])
      words.push('--finish-arg', word);
    if (logFd !== undefined) words.push('--log', String(logFd));
  }
  const file = toBytes(program.file);
  return [
    ...words,
    '--',
    ...(program.isShellText ? ['/bin/sh', '/bin/sh', file, ...argv.slice(1)] : [file, ...argv]),
  ];
}

/** The launcher is needed to watch connections, whoever converts the sockets. */
export const isWatched = ({ report, requireSmc }: Settings): boolean => report || requireSmc;

/**
 * The command line as which smc-launch becomes smc_run again: this Node, by the program that finds out whether it can
 * start, and that ends as the program did if it cannot.
 */
function finisher(): [file: string, first: string, ...rest: string[]] {
  const script = packageFile('bin/smc_run.js');
  const start = nativeFile('smc-start');
  return existsSync(start) ? [start, '--node', process.execPath, script] : [process.execPath, script];
}

/** Options that say what becomes of sockets. */
export function conversion(settings: Settings): string[] {
  return [
    ...['--convert', settings.socket ?? 'auto'],
    ...(settings.isStrict ? ['--strict'] : []),
    ...(settings.debug ? ['--debug'] : []),
    ...(settings.sndbuf === undefined ? [] : ['--sndbuf', String(settings.sndbuf)]),
    ...(settings.rcvbuf === undefined ? [] : ['--rcvbuf', String(settings.rcvbuf)]),
    ...settings.only.flatMap((pattern) => ['--only-command', pattern]),
    ...settings.except.flatMap((pattern) => ['--except-command', pattern]),
  ];
}

/** Options of the call as which smc-launch becomes smc_run again, see `finish`. */
function finishOptions(settings: Settings, way: Decision['way']): string[] {
  return [
    ...(settings.report ? ['--report'] : []),
    ...(settings.requireSmc ? ['--require-smc'] : []),
    ...(settings.json ? ['--json'] : []),
    ...(settings.log === undefined ? [] : ['--log', settings.log]),
    ...(way === 'as-is' ? [] : ['--via', way]),
  ];
}
