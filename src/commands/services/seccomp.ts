// SPDX-License-Identifier: MIT
/** The seccomp way: smc-launch in front of the program. */
import type { Program } from '../../host/program.ts';
import { listOf, quoteWord, type Unit } from '../../host/systemd-unit.ts';
import { type Conversion, launcherOptions } from './conversion.ts';
import type { Command, Line } from './types.ts';
import type { Decision } from './way.ts';

/** System calls of smc-launch that a filter of the unit may forbid. */
const LAUNCHER_CALLS =
  'seccomp ioctl prctl poll socketpair setsid wait4 kill setrlimit prlimit64 setfsuid setfsgid';

/**
 * The commands of the unit, started by smc-launch where that is decided. smc-launch becomes the program. So the process
 * stays the same, and notification, watchdog and socket activation work as before.
 */
export function launchedCommands(
  unit: Unit,
  commands: readonly Command[],
  decisions: readonly { decision: Decision; program: Program }[],
  launcher: string,
  settings: Conversion,
): Line[] {
  const why = decisions.find(({ decision }) => decision.reason)?.decision.reason;
  const lines: Line[] = [{ reason: why ?? 'requested by --via seccomp', text: 'ExecStart=' }];
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
  settings: Conversion,
): string {
  const words = [...launcherOptions(settings), '--', file, name ?? argv[0]!].map((word) => quoteWord(word));
  return [`${prefix.replace('@', '')}${launcher}`, ...words, rest].filter(Boolean).join(' ');
}
