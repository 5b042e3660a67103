// SPDX-License-Identifier: MIT
/** Programs that tests start end with the test, however it ends. `test/leftovers.test.ts` proves it. */

/**
 * What to give `spawn` and its like: file and arguments of a program that the kernel ends when this process does, even by
 * SIGKILL. It is the program itself that has the process ID. What it starts in turn has to end with it by itself.
 * Needs setpriv of util-linux. Not for setuid programs, which lose the tie.
 */
export function tied(file: string, argv: readonly string[]): [string, string[]] {
  return ['setpriv', ['--pdeathsig', 'KILL', '--', file, ...argv]];
}

/**
 * A program that says `ready` and goes on until SIGINT: then it says `got it` and ends with status 7. It has no children,
 * which would outlive it when it is killed.
 */
export const ENDS_BY_SIGINT: readonly string[] = [
  process.execPath,
  '-e',
  `setInterval(() => {}, 1e6);
  process.on('SIGINT', () => { console.log('got it'); process.exit(7); });
  console.log('ready');`,
];
