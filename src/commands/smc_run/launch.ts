// SPDX-License-Identifier: MIT
/** The command line of smc-launch, which opens sockets for the seccomp way and watches connections. */
import { existsSync } from 'node:fs';
import { nativeFile, packageFile } from '../../host/package-files.ts';
import type { Program } from '../../host/program.ts';
import { openForWriting } from '../../host/safe-directory.ts';
import { SmcError } from '../../smc/error.ts';
import { launcherOptions } from '../services/conversion.ts';
import type { Decision } from '../services/way.ts';
import { toBytes, type Variable } from './environment.ts';
import type { Settings } from './settings.ts';

/**
 * Opens the log before the program starts, so that errors are reported in time.
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
  /** descriptor of the log, for events; undefined: no events are wanted */
  logFd: number | undefined;
  program: Program;
  argv: readonly Variable[];
}

/** The argument list of smc-launch, with its own name. */
export function launchArguments({ settings, way, logFd, program, argv }: Launch): Variable[] {
  const words: Variable[] = [
    'smc-launch',
    ...(way === 'seccomp' ? launcherOptions(settings) : ['--convert', 'none']),
  ];
  if (isWatched(settings)) {
    const [file, first, ...rest] = finisher();
    words.push('--observe', '--finish', file, first);
    // only the name of the program: its arguments may be secret, and the report does not need them
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

/** Whether connections are watched. The launcher is needed for that, whatever converts the sockets. */
export const isWatched = ({ report, requireSmc }: Settings): boolean => report || requireSmc;

/**
 * The command line with which smc-launch executes smc_run again. smc-start finds out whether this Node can start; if not,
 * it ends as the program did.
 */
function finisher(): [file: string, first: string, ...rest: string[]] {
  const script = packageFile('bin/smc_run.js');
  const start = nativeFile('smc-start');
  return existsSync(start) ? [start, '--node', process.execPath, script] : [process.execPath, script];
}

/** Options with which smc-launch executes smc_run again, see `finish`. */
function finishOptions(settings: Settings, way: Decision['way']): string[] {
  return [
    ...(settings.report ? ['--report'] : []),
    ...(settings.requireSmc ? ['--require-smc'] : []),
    ...(settings.json ? ['--json'] : []),
    ...(settings.log === undefined ? [] : ['--log', settings.log]),
    ...(way === 'as-is' ? [] : ['--via', way]),
  ];
}
