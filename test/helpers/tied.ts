// SPDX-License-Identifier: MIT
/** Makes programs that a test starts end with the test, however it ends. `test/setup/leftovers.test.ts` checks this. */

/**
 * File and arguments for `spawn` and similar functions, for a program that the kernel ends together with this process,
 * even if that is killed. The process ID is that of the program itself. Its own children are not covered. Requires
 * setpriv of util-linux. Does not work for setuid programs, because the kernel clears the setting for them.
 */
export function tied(file: string, argv: readonly string[]): [string, string[]] {
  return ['setpriv', ['--pdeathsig', 'KILL', '--', file, ...argv]];
}

/**
 * A program that prints `ready` and runs until SIGINT; then it prints `got it` and ends with status 7. It has no children,
 * because they would survive if it is killed.
 */
export const ENDS_BY_SIGINT: readonly string[] = [
  process.execPath,
  '-e',
  `setInterval(() => {}, 1e6);
  process.on('SIGINT', () => { console.log('got it'); process.exit(7); });
  console.log('ready');`,
];
