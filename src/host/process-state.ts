// SPDX-License-Identifier: MIT
/** What this process was given when it started, before Node changed it. */
import { readFileSync } from 'node:fs';

/** Passed to the exec addon, which puts it back. */
export interface InheritedState {
  /** hexadecimal, as SigIgn and SigBlk in /proc/<pid>/status */
  ignoredSignals?: string;
  blockedSignals?: string;
  /** soft limit of open files; Node raises it to the hard one */
  openFilesSoft?: number;
  /** descriptors from 3 on; Node marks all inherited ones close-on-exec */
  inheritedFds?: number[];
  /** those of 0, 1 and 2 that were not open; Node opens /dev/null in their place */
  closedFds?: number[];
}

/**
 * Set by smc-start, or where that was not built by the shell part of bin/smc_run.js: `closed=0 …,fds=3 4 …,all=HEX`, where
 * HEX is /proc/<pid>/environ and then lines of status and limits, or `status=HEX` without the environment, if that is too
 * large. Then `more=HEX` has the variables that were kept from this Node.
 */
export const STATE_VARIABLE = 'SMC_RUN_STATE';

function field(text: string | undefined, name: string): string | undefined {
  const part = (text ?? '').split(',').find((part) => part.startsWith(`${name}=`));
  return part?.slice(name.length + 1);
}

function bytes(hex: string | undefined): Buffer | undefined {
  return hex === undefined ? undefined : Buffer.from(hex.replace(/\s+/g, ''), 'hex');
}

/** Reads `STATE_VARIABLE`; what is missing or malformed is left out. */
export function inheritedState(text: string | undefined): InheritedState {
  const state: InheritedState = {};
  const fds = (list: string): number[] =>
    list.split(' ').filter(Boolean).map(Number).filter(Number.isInteger);
  const [inherited, closed] = [field(text, 'fds'), field(text, 'closed')];
  if (inherited !== undefined) state.inheritedFds = fds(inherited);
  if (closed !== undefined) state.closedFds = fds(closed);
  const dump = bytes(field(text, 'all') ?? field(text, 'status'));
  // the environment, if it is there, ends in a NUL, and nothing behind it has one
  const lines = dump?.subarray(dump.lastIndexOf(0) + 1).toString('latin1') ?? '';
  const find = (pattern: RegExp): string | undefined => pattern.exec(lines)?.[1];
  const [ignored, blocked] = [find(/^SigIgn:\s*([0-9a-f]{1,16})$/im), find(/^SigBlk:\s*([0-9a-f]{1,16})$/im)];
  const openFiles = find(/^Max open files\s+([0-9]{1,15})\s/m);
  if (ignored !== undefined) state.ignoredSignals = ignored;
  if (blocked !== undefined) state.blockedSignals = blocked;
  if (openFiles !== undefined) state.openFilesSoft = Number(openFiles);
  return state;
}

/** Splits NUL-terminated strings, bytes as they are. */
function splitNul(data: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < data.length; ) {
    const end = data.indexOf(0, start);
    parts.push(data.subarray(start, end < 0 ? data.length : end));
    start = end < 0 ? data.length : end + 1;
  }
  return parts;
}

/**
 * Bytes of the last `count` arguments. Node decodes arguments as UTF-8 and loses what is none; a program to be run
 * must get what the user typed.
 */
export function rawArguments(decoded: readonly string[]): (string | Buffer)[] {
  if (!decoded.some((argument) => argument.includes('\ufffd'))) return [...decoded];
  try {
    return splitNul(readFileSync('/proc/self/cmdline')).slice(-decoded.length);
  } catch {
    return [...decoded];
  }
}

/**
 * The environment as `NAME=value`, in its order and with its bytes: what smc_run was given, or else what /proc tells of
 * this process. Without both the decoded one is all there is.
 */
export function rawEnvironment(env: Readonly<Record<string, string | undefined>>): (string | Buffer)[] {
  const dump = bytes(field(env[STATE_VARIABLE], 'all'));
  if (dump) return splitNul(dump.subarray(0, dump.lastIndexOf(0) + 1));
  const more = splitNul(bytes(field(env[STATE_VARIABLE], 'more')) ?? Buffer.alloc(0));
  try {
    if (env === process.env) return [...splitNul(readFileSync('/proc/self/environ')), ...more];
  } catch {
    // no /proc
  }
  return [...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...more];
}
