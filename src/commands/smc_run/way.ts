// SPDX-License-Identifier: MIT
/** Which way smc_run takes, and why not the usual one. */
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
  /** why this machine cannot go the seccomp way; null when it can, as far as can be told beforehand */
  noSeccomp: string | null;
}

export interface Decision {
  /** `as-is`: the program runs over TCP */
  way: 'preload' | 'seccomp' | 'as-is';
  /** the library that fits the program, for the preload way */
  library: PreloadLibrary | undefined;
  /** false: the sockets of the program will not be converted, or nobody knows whether they will */
  works: boolean;
  /** why it is not the usual way, or has a price, in a clause; null when all is normal */
  reason: string | null;
  /** what follows from it; null when the reason says it all */
  consequence: string | null;
}

/** Why a preloaded library will have no effect on the program, in a clause; null when it will have one. */
export function preloadObstacle(program: Program, libraries: readonly PreloadLibrary[]): string | null {
  const { elf, unknown, gains, wipes, moves } = program;
  const name = printable(program.image);
  if (gains) return `${name} is ${gains}, so the dynamic loader ignores preloaded libraries`;
  if (wipes) return `'${printable(wipes)}' does not pass LD_PRELOAD on`;
  if (moves)
    return `'${printable(moves)}' starts a program of another file tree, which may not have the library`;
  if (unknown === 'unreadable') return `${name} cannot be read to see whether a library can be preloaded`;
  // damaged, of no known format, not found: whoever starts it will tell
  if (!elf) return null;
  const machine = machineName(elf);
  const own = libraries[0]?.elf;
  if (own && !runsNatively(elf, own))
    return `${name} is made for ${machine} and run by an emulator, which gets no library of this machine`;
  if (elf.go) return `${name} is a Go program, which opens sockets without the C library`;
  if (!elf.interpreter) return `${name} is linked statically, so no library can be preloaded`;
  if (libraries.some((library) => isSameAbi(library.elf, elf))) return null;
  return `${name} is made for ${machine}, for which there is no preload library here`;
}

/**
 * Decides.
 * @param program undefined when it cannot be executed: execve(2) is left to tell why
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
    const reason = `'${program.elsewhere}' has a service start its programs, which are out of reach of smc_run`;
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
 * Nobody knows which program a wrapper starts. The filter reaches all, and costs root nothing; for others it takes
 * privileges away, which may be what the program is about.
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
