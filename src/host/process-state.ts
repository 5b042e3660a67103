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

/** Set by the shell part of bin/smc_run.js: `,blk=HEX,ign=HEX,nofile=N,closed=0 …,fds=3 4 …,env=HEX HEX …`. */
export const STATE_VARIABLE = 'SMC_RUN_STATE';

/** Reads `STATE_VARIABLE`; what is missing or malformed is left out. */
export function inheritedState(text: string | undefined): InheritedState {
  const state: InheritedState = {};
  for (const part of (text ?? '').split(',')) {
    const [key, value = ''] = part.split('=');
    const isMask = /^[0-9a-f]{1,16}$/i.test(value);
    if (key === 'ign' && isMask) state.ignoredSignals = value;
    if (key === 'blk' && isMask) state.blockedSignals = value;
    if (key === 'nofile' && /^[0-9]{1,15}$/.test(value)) state.openFilesSoft = Number(value);
    const fds = (): number[] => value.split(' ').filter(Boolean).map(Number).filter(Number.isInteger);
    if (key === 'fds') state.inheritedFds = fds();
    if (key === 'closed') state.closedFds = fds();
  }
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
 * The environment as `NAME=value`, in its order and with its bytes: what the shell part of bin/smc_run.js was given, or
 * else what /proc tells of this process. Without both the decoded one is all there is.
 */
export function rawEnvironment(env: Readonly<Record<string, string | undefined>>): (string | Buffer)[] {
  const dump = /,env=([0-9a-f\s]*)$/.exec(env[STATE_VARIABLE] ?? '')?.[1]?.replace(/\s+/g, '');
  if (dump !== undefined) return splitNul(Buffer.from(dump, 'hex'));
  try {
    if (env === process.env) return splitNul(readFileSync('/proc/self/environ'));
  } catch {
    // no /proc
  }
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}
