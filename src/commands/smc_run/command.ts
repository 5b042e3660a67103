// SPDX-License-Identifier: MIT
/** smc_run: starts a TCP program so that its stream sockets become SMC sockets. */
import { closeSync } from 'node:fs';
import { warnBeforeListing } from '../../cli/listing-warning.ts';
import { type Parsed, UsageError } from '../../cli/options.ts';
import type { CommandDefinition, Context } from '../../cli/run.ts';
import { moduleState } from '../../host/kernel-module.ts';
import { nativeFile } from '../../host/package-files.ts';
import { inheritedState, rawArguments, rawEnvironment, STATE_VARIABLE } from '../../host/process-state.ts';
import { currentCaller, lookAtProgram } from '../../host/program.ts';
import { seccompObstacle } from '../../host/seccomp.ts';
import { SmcError } from '../../smc/error.ts';
import { findAddon, findLauncher, findPreloadLibraries, preloadPath } from '../../smc/native-parts.ts';
import { raiseBufferLimit } from './buffer-limits.ts';
import { fromBytes, preloadList, preloadVariables, variable, withVariables } from './environment.ts';
import { isWatched, launchArguments, openLog } from './launch.ts';
import { replaceProcess } from './replace.ts';
import { finish, RESULT_VARIABLE } from './report.ts';
import { SOCKET_KINDS, settingsOf, WAYS } from './settings.ts';
import { decide } from './way.ts';

export const smcRun: CommandDefinition = {
  name: 'smc_run',
  usage: '[options] [--] COMMAND [ARGUMENT...] | --enable|--disable|--status UNIT',
  operands: () => ['<command>'],
  summary: 'Runs a TCP program over SMC: its TCP sockets become SMC sockets, and TCP stays the fallback.',
  options: [
    { short: 'd', long: 'debug', help: 'report each socket on stderr, and a summary at the end' },
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
    {
      long: 'via',
      value: 'WAY',
      completes: WAYS,
      help: 'how to convert: auto, preload or seccomp',
    },
    {
      long: 'socket',
      value: 'KIND',
      completes: SOCKET_KINDS,
      help: 'what sockets become: af_smc, inet (IPPROTO_SMC) or auto',
    },
    { long: 'strict', help: 'never use TCP instead of SMC: do not start the program, or let socket() fail' },
    { long: 'only', value: 'RULE', repeatable: true, help: 'convert only in these programs: command=GLOB' },
    {
      long: 'except',
      value: 'RULE',
      repeatable: true,
      help: 'convert in all programs except these: command=GLOB',
    },
    { long: 'report', help: 'report at the end what the connections used, and why' },
    { long: 'require-smc', help: 'status 123 if not all connections ran over SMC' },
    { long: 'log', value: 'FILE', help: 'append the report to FILE instead of stderr' },
    { short: 'j', long: 'json', help: 'the report as JSON' },
    { long: 'enable', value: 'UNIT', help: 'make a systemd service run over SMC' },
    { long: 'disable', value: 'UNIT', help: 'undo --enable' },
    { long: 'disable-all', help: 'undo --enable for all enabled services' },
    { long: 'status', help: 'show which services run over SMC, or whether UNIT does' },
    { long: 'dry-run', help: 'with --enable and --disable: show what would change' },
    { long: 'preload-path', help: 'print the value that LD_PRELOAD needs, for scripts and units' },
    { long: 'from', value: 'FILE|DIR', help: 'refused: nothing runs in a recorded system', isHidden: true },
  ],
  examples: [
    ['smc_run iperf3 -s', 'an iperf3 server over SMC'],
    ['smc_run -d curl http://server/', 'show which sockets are converted'],
    ['smc_run -r 512k -t 512k ./program', 'larger buffers for its SMC sockets'],
    ['smc_run --report ./program', 'what its connections used, and why'],
    ['smc_run --enable nginx --dry-run', 'show what would change for that service'],
  ],
  stopAtOperand: true,
  run: async (context, parsed) => {
    if (parsed.flags.has('preload-path')) return printPreloadPath(context, parsed);
    if (!SERVICE_OPTIONS.some((name) => parsed.flags.has(name))) return execute(context, parsed);
    const { serviceMode } = await import('./services/mode.ts');
    return serviceMode(context, parsed);
  },
  statusOf,
};

/** Options for systemd services; the operand of --status is the unit. */
const SERVICE_OPTIONS = ['enable', 'disable', 'disable-all', 'status'];

/** `--strict` or `--require-smc` forbids starting the program. */
class Refusal extends SmcError {}

/** Exit status when the program was not started for a reason of smc_run, as in timeout(1) and env(1). */
const STATUS_REFUSED = 125;

function statusOf(error: unknown): number {
  return error instanceof Refusal ? STATUS_REFUSED : 1;
}

/** For users who set LD_PRELOAD themselves. The GNU loader chooses by $LIB; other loaders get the path of the file. */
function printPreloadPath(
  { io, hostRoot, needsRunningSystem }: Context,
  { flags, values, operands }: Parsed,
): number {
  needsRunningSystem('--preload-path');
  const other = [...flags, ...Object.keys(values)].find(
    (name) => name !== 'preload-path' && name !== 'color',
  );
  if (other !== undefined) throw new UsageError(`--preload-path and --${other} exclude each other`);
  if (operands.length > 0)
    throw new UsageError(`--preload-path takes no operand, '${operands[0]}' is too much`);
  const library = findPreloadLibraries()[0]!;
  const shell = lookAtProgram(['/bin/sh'], {
    caller: currentCaller(hostRoot),
    path: undefined,
    root: hostRoot,
  });
  io.write(`${preloadPath(library, shell?.elf)}\n`);
  return 0;
}

function execute(context: Context, parsed: Parsed): number {
  const { io, note, hostRoot, needsRunningSystem } = context;
  needsRunningSystem('a program');
  const [command] = parsed.operands;
  if (parsed.flags.has('dry-run')) throw new UsageError('--dry-run is for --enable and --disable');
  if (command === undefined) throw new UsageError('name the program to run');
  const settings = settingsOf(parsed);
  if (io.env[RESULT_VARIABLE] !== undefined)
    return finish(context, settings, command, settings.via === 'auto' ? 'as-is' : settings.via);

  const libraries = findPreloadLibraries();
  const native = findAddon();
  const launcher = findLauncher();
  const given = rawEnvironment(io.env);
  const path = variable(given, 'PATH');
  const argv = rawArguments(parsed.operands);
  const caller = currentCaller(hostRoot);
  const program = lookAtProgram(argv.map(fromBytes), {
    caller,
    path,
    root: hostRoot,
    getxattr: native.getxattr,
  });
  const noSeccomp = seccompObstacle(hostRoot) ?? (launcher ? null : 'smc-launch was not built');
  const { way, library, works, reason, consequence } = decide(settings.via, program, {
    isAdmin: caller.isAdmin,
    libraries,
    noSeccomp,
  });
  if (settings.isStrict && !works) throw new Refusal('NOT_SUPPORTED', `--strict: ${reason}`);
  if (moduleState('smc', hostRoot) === 'absent') {
    if (settings.isStrict) throw new Refusal('NO_SMC', '--strict: this kernel has no SMC');
    note('this kernel has no SMC: the program will run over TCP');
  }
  if (reason) note(consequence ? `${reason}: ${consequence}` : reason);
  if (settings.requireSmc && noSeccomp)
    throw new Refusal('NOT_SUPPORTED', `--require-smc: connections cannot be watched, ${noSeccomp}`);
  const isReporting = isWatched(settings) && !noSeccomp;
  if (settings.report && !isReporting && !settings.debug) note(`there will be no report: ${noSeccomp}`);
  if (isReporting)
    warnBeforeListing(context, { link: true, goesOn: true, opensInet: settings.socket === 'inet' });
  if (settings.rcvbuf !== undefined) raiseBufferLimit('rmem_max', settings.rcvbuf, context);
  if (settings.sndbuf !== undefined) raiseBufferLimit('wmem_max', settings.sndbuf, context);

  const environment = withVariables(given, {
    ...(way === 'preload' &&
      library &&
      preloadVariables(
        settings,
        preloadList(variable(given, 'LD_PRELOAD'), preloadPath(library, program?.elf), nativeFile('')),
      )),
    [STATE_VARIABLE]: undefined,
  });
  const state = inheritedState(io.env[STATE_VARIABLE]);
  const log = settings.log === undefined ? undefined : openLog(settings.log);
  // without -j, only the report at the end is written to the log
  const logFd = settings.json && isReporting ? log : undefined;
  for (const fd of state.closedFds ?? []) closeSync(fd);
  if (!launcher || !program || !(way === 'seccomp' || isReporting))
    return replaceProcess(
      argv,
      path,
      program,
      (file, argv) => native.execve(file, argv, environment, state),
      note,
    );

  const words = launchArguments({ settings, way, logFd, program, argv });
  const inheritedFds = [...(state.inheritedFds ?? []), ...(logFd === undefined ? [] : [logFd])];
  return native.execve(launcher, words, environment, { ...state, inheritedFds });
}
