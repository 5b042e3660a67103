// SPDX-License-Identifier: MIT
/** /proc/PID/stat. */
import { readFileSync } from 'node:fs';

/** Fields of proc(5) that we use, by their numbers there. */
const NUMBERS = { flags: 9, starttime: 22 } as const;

/**
 * A field of a process or thread, as text.
 * @returns `undefined` if the process is gone
 */
export function statField(name: keyof typeof NUMBERS, pid: number, root: string): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`${root}/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // the name, field 2, is in parentheses and can contain anything
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[NUMBERS[name] - 3];
}
