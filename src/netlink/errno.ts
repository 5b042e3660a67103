// SPDX-License-Identifier: MIT
import { constants } from 'node:os';

/** Two errno numbers have two names on Linux. These are the names that the kernel sources use for networks. */
const PREFERRED: Readonly<Record<number, string>> = { 11: 'EAGAIN', 35: 'EDEADLK', 95: 'EOPNOTSUPP' };

/**
 * Name of a positive errno number.
 * @param errno as the kernel sends it, sign removed
 * @returns for example "ENOENT"; "E524" for a number without a name in user space
 */
export function errnoName(errno: number): string {
  const preferred = PREFERRED[errno];
  if (preferred) return preferred;
  for (const [name, value] of Object.entries(constants.errno)) if (value === errno) return name;
  return `E${errno}`;
}
