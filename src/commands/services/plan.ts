// SPDX-License-Identifier: MIT
/**
 * What a systemd service needs to run over SMC: the lines of a drop-in, and why each is there. Nothing is written, and a
 * running systemd is not asked.
 */
import { type Caller, lookAtProgram, type Program } from '../../host/program.ts';
import { expandSpecifiers, isYes, listOf, settingOf, type Unit } from '../../host/systemd-unit.ts';
import { addressFamilies } from './address-families.ts';
import type { Conversion } from './conversion.ts';
import { commandsOf } from './exec-start.ts';
import { checkPostgresService, isPgCtlCluster, postgresEnvironment } from './postgresql.ts';
import { preloadLines, variables } from './preload.ts';
import { refuse } from './refusal.ts';
import { checkRoot, isDynamic, showFile } from './sandbox.ts';
import { launchedCommands } from './seccomp.ts';
import { socketActivation } from './socket-activation.ts';
import type { Command, Line, Plan, ServiceHost } from './types.ts';
import { type Decision, decide } from './way.ts';

/** Where systemd looks for programs without a path (the default of its DefaultPath). */
const SERVICE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A user who is not root; the checks do not depend on which one it is. */
const ORDINARY_USER = 65_534;

/**
 * Plans how one service runs over SMC.
 * @param unit without the drop-in of smc_run
 * @throws SmcError when the service cannot be made to run over SMC
 */
export function planService(unit: Unit, settings: Conversion, host: ServiceHost): Plan {
  const commands = listOf(unit, 'ExecStart').flatMap(({ value }) => commandsOf(value));
  if (commands.length === 0) throw refuse(`${unit.name} starts no program: it has no ExecStart=`);
  checkPostgresService(unit, commands, host.root);
  checkRoot(unit, host);

  const remarks = [...socketActivation(unit, host.root), ...uncertainSettings(unit)];
  const caller = callerOf(unit);
  const decisions = commands.map((command) => lookAndDecide(unit, command, caller, settings, host));
  const way = commands.some(({ argv }) => isPgCtlCluster(argv))
    ? 'postgresql'
    : decisions.some(({ decision }) => decision.way === 'seccomp')
      ? 'seccomp'
      : 'preload';
  const own = decisions[0]?.decision.library ?? host.libraries[0];
  if (!own) throw refuse('the preload library is missing');

  const lines: Line[] = [];
  const isOrdinary = caller.uid !== 0 || way === 'postgresql';
  const library = way === 'seccomp' ? '' : showFile(unit, own.file, isOrdinary, host, lines);
  let environmentFile: Plan['environmentFile'] = null;
  if (way === 'postgresql') {
    environmentFile = postgresEnvironment(unit, commands, variables(library, settings), host.root);
  } else if (way === 'preload') {
    lines.push(...preloadLines(unit, library, settings, host.root));
  } else {
    const launcher = showFile(unit, host.launcher, isOrdinary, host, lines);
    lines.push(...launchedCommands(unit, commands, decisions, launcher, settings));
  }
  const family = addressFamilies(unit, settings, host);
  if (family) lines.push(family);
  return { way, lines, remarks, environmentFile };
}

/** Who starts the program, and with which privilege. */
function callerOf(unit: Unit): Caller {
  const user = settingOf(unit, 'User');
  const isRoot = (user === undefined || user === 'root' || user === '0') && !isDynamic(unit);
  return {
    uid: isRoot ? 0 : ORDINARY_USER,
    gid: isRoot ? 0 : ORDINARY_USER,
    isAdmin: isRoot,
    hasNoNewPrivileges: isYes(settingOf(unit, 'NoNewPrivileges')),
  };
}

function lookAndDecide(
  unit: Unit,
  { argv }: Command,
  caller: Caller,
  settings: Conversion,
  { libraries, noSeccomp, root, getxattr }: ServiceHost,
): { decision: Decision; program: Program } {
  const words = argv.map((word) => expandSpecifiers(word, unit.name));
  const program = lookAtProgram(words, {
    caller,
    path: SERVICE_PATH,
    root,
    ...(getxattr && { getxattr }),
  });
  if (!program) throw refuse(`${unit.name} starts ${words[0]}, which does not exist or cannot be executed`);
  const decision = decide(settings.via, program, { isAdmin: caller.isAdmin, libraries, noSeccomp });
  if (!decision.works && !isPgCtlCluster(argv)) throw refuse(`${unit.name}: ${decision.reason}`);
  return { decision, program };
}

/** Settings that may keep the service from SMC. Whether they do cannot be read from files. */
function uncertainSettings(unit: Unit): string[] {
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
