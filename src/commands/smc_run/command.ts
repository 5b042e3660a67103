// SPDX-License-Identifier: MIT
/** smc_run: starts a TCP program so that its stream sockets become SMC sockets. */
import { closeSync } from 'node:fs';
import { warnBeforeListing } from '../../cli/listing-warning.ts';
import { type Context, defineCommand } from '../../cli/run.ts';
import { moduleState } from '../../host/kernel-module.ts';
import { nativeFile } from '../../host/package-files.ts';
import { inheritedState, rawArguments, rawEnvironment, STATE_VARIABLE } from '../../host/process-state.ts';
import { currentCaller, lookAtProgram } from '../../host/program.ts';
import { seccompObstacle } from '../../host/seccomp.ts';
import { SmcError } from '../../smc/error.ts';
import { findAddon, findLauncher, findPreloadLibraries, preloadPath } from '../../smc/native-parts.ts';
import { preloadVariables } from '../services/conversion.ts';
import { decide } from '../services/way.ts';
import { raiseBufferLimit } from './buffer-limits.ts';
import { fromBytes, preloadList, variable, withVariables } from './environment.ts';
import { isWatched, launchArguments, openLog } from './launch.ts';
import { OPTIONS, RULES, type RunOptions } from './options.ts';
import { replaceProcess } from './replace.ts';
import { finish, RESULT_VARIABLE } from './report.ts';
import { settingsOf } from './settings.ts';

export const smcRun = defineCommand({
  name: 'smc_run',
  usage: '[options] [--] COMMAND [ARGUMENT...] | --enable|--disable|--status UNIT',
  operands: { name: 'COMMAND', min: 1, completes: () => ['<command>'] },
  summary: 'Runs a TCP program over SMC: its TCP sockets become SMC sockets, and TCP stays the fallback.',
  options: OPTIONS,
  rules: RULES,
  examples: [
    ['smc_run iperf3 -s', 'an iperf3 server over SMC'],
    ['smc_run -d curl http://server/', 'show which sockets are converted'],
    ['smc_run -r 512k -t 512k ./program', 'larger buffers for its SMC sockets'],
    ['smc_run --report ./program', 'what its connections used, and why'],
    ['smc_run --enable nginx --dry-run', 'show what would change for that service'],
  ],
  stopAtOperand: true,
  run: async (context, options, operands) => {
    const { preloadPath, enable, disable, disableAll, status } = options;
    if (preloadPath) return printPreloadPath(context);
    const isForServices = enable !== undefined || disable !== undefined || disableAll || status;
    if (!isForServices) return execute(context, options, operands);
    const { serviceMode } = await import('./services/mode.ts');
    return serviceMode(context, options, operands);
  },
  statusOf,
});

/** `--strict` or `--require-smc` forbids starting the program. */
class Refusal extends SmcError {}

/** Exit status when the program was not started for a reason of smc_run, as in timeout(1) and env(1). */
const STATUS_REFUSED = 125;

function statusOf(error: unknown): number {
  return error instanceof Refusal ? STATUS_REFUSED : 1;
}

/** For users who set LD_PRELOAD themselves. The GNU loader chooses by $LIB; other loaders get the path of the file. */
function printPreloadPath({ io, hostRoot, needsRunningSystem }: Context): number {
  needsRunningSystem('--preload-path');
  const library = findPreloadLibraries()[0]!;
  const shell = lookAtProgram(['/bin/sh'], {
    caller: currentCaller(hostRoot),
    path: undefined,
    root: hostRoot,
  });
  io.write(`${preloadPath(library, shell?.elf)}\n`);
  return 0;
}

function execute(context: Context, options: RunOptions, operands: readonly string[]): number {
  const { io, note, hostRoot, needsRunningSystem } = context;
  needsRunningSystem('a program');
  const [command = ''] = operands;
  const settings = settingsOf(options);
  if (io.env[RESULT_VARIABLE] !== undefined)
    return finish(context, settings, command, settings.via === 'auto' ? 'as-is' : settings.via);

  const libraries = findPreloadLibraries();
  const native = findAddon();
  const launcher = findLauncher();
  const given = rawEnvironment(io.env);
  const path = variable(given, 'PATH');
  const argv = rawArguments(operands);
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
