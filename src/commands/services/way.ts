// SPDX-License-Identifier: MIT
/** Which way smc_run takes, and why it is not the usual one. */
import { isSameAbi, machineName, runsNatively } from '../../host/elf.ts';
import type { Program } from '../../host/program.ts';
import { printable } from '../../output/table.ts';
import type { PreloadLibrary } from '../../smc/native-parts.ts';

export type Wish = 'auto' | 'preload' | 'seccomp';

export interface Surroundings {
  /** the caller has CAP_SYS_ADMIN, so a filter needs no no_new_privs */
  isAdmin: boolean;
  /** the first one is made for this machine */
  libraries: readonly PreloadLibrary[];
  /** why this machine cannot go the seccomp way; null when nothing is known to prevent it */
  noSeccomp: string | null;
}

export interface Decision {
  /** `as-is`: the program runs over TCP */
  way: 'preload' | 'seccomp' | 'as-is';
  /** the library that fits the program, for the preload way */
  library: PreloadLibrary | undefined;
  /** false: the sockets of the program will not be converted, or nobody knows whether they will */
  works: boolean;
  /** why it is not the usual way, or what it costs, in a clause; null when neither applies */
  reason: string | null;
  /** what follows from it; null when the reason says it all */
  consequence: string | null;
}

/** Why a preloaded library will have no effect on the program, in a clause; null when it will have one. */
function preloadObstacle(program: Program, libraries: readonly PreloadLibrary[]): string | null {
  const { elf, unknown, gains, wipes, moves } = program;
  const name = printable(program.image);
  if (gains) return `${name} is ${gains}, so the dynamic loader ignores preloaded libraries`;
  if (wipes) return `'${printable(wipes)}' does not pass LD_PRELOAD on`;
  if (moves)
    return `'${printable(moves)}' starts a program in another file tree, which may not contain the library`;
  if (unknown === 'unreadable') return `${name} cannot be read to see whether a library can be preloaded`;
  // damaged, of an unknown format or not found: execve(2) will report that
  if (!elf) return null;
  const machine = machineName(elf);
  const own = libraries[0]?.elf;
  if (own && !runsNatively(elf, own))
    return `${name} is made for ${machine} and runs in an emulator, which cannot load a library of this machine`;
  if (elf.go) return `${name} is a Go program, which opens sockets without the C library`;
  if (!elf.interpreter) return `${name} is linked statically, so no library can be preloaded`;
  if (libraries.some((library) => isSameAbi(library.elf, elf))) return null;
  return `${name} is made for ${machine}, for which there is no preload library here`;
}

/**
 * Decides which way to take.
 * @param program undefined when it cannot be executed: execve(2) will report why
 */
export function decide(wish: Wish, program: Program | undefined, surroundings: Surroundings): Decision {
  const { libraries, noSeccomp, isAdmin } = surroundings;
  const elf = program?.elf;
  const library =
    (elf ? libraries.find((library) => isSameAbi(library.elf, elf)) : undefined) ?? libraries[0];
  const fine = { library, works: true, reason: null, consequence: null };
  const inVain = { library, works: false, consequence: 'it runs over TCP' };

  if (wish === 'seccomp' && noSeccomp) return { ...inVain, way: 'as-is', reason: noSeccomp };
  const usual = wish === 'seccomp' ? 'seccomp' : 'preload';
  if (!program) return { ...fine, way: usual };
  if (program.elsewhere) {
    const reason = `'${program.elsewhere}' asks a service to start its programs, which smc_run cannot reach`;
    return { ...inVain, way: usual, reason, consequence: null };
  }

  const noPreload = preloadObstacle(program, libraries);
  const loss =
    program.gains && !isAdmin
      ? `the seccomp way sets no_new_privs for an ordinary user, so ${printable(program.image)} would not be ${program.gains}`
      : null;
  if (wish === 'seccomp') return { ...fine, way: 'seccomp', reason: loss };
  if (!noPreload && program.unclear) return unclear(program.unclear, library, wish, surroundings);
  if (!noPreload) return { ...fine, way: 'preload' };
  if (wish === 'preload') return { ...inVain, way: 'preload', reason: noPreload };
  const noWay = noSeccomp ?? loss;
  if (noWay) return { ...inVain, way: 'as-is', reason: `${noPreload}, and ${noWay}` };
  return { ...fine, way: 'seccomp', reason: noPreload, consequence: 'taking the seccomp way' };
}

/**
 * The decision when it is not known which program a wrapper starts. The filter reaches every program, and costs root
 * nothing. For other users it removes privileges, which the program may need.
 */
function unclear(
  wrapper: string,
  library: PreloadLibrary | undefined,
  wish: Wish,
  { noSeccomp, isAdmin }: Surroundings,
): Decision {
  const reason = `'${printable(wrapper)}' is not understood, so it is not known which program it starts`;
  if (wish === 'auto' && isAdmin && !noSeccomp)
    return { library, way: 'seccomp', works: true, reason, consequence: 'taking the seccomp way' };
  const consequence = 'it runs over TCP if a library cannot reach it';
  return { library, way: 'preload', works: false, reason, consequence };
}
