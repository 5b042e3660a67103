// SPDX-License-Identifier: MIT
/** The environment of the program. Names and values are bytes; as latin1 every byte is a character. */
import { realpathSync } from 'node:fs';
import type { Settings } from './settings.ts';

export type Variable = string | Buffer;

export const toBytes = (text: string): Buffer => Buffer.from(text, 'latin1');
export const fromBytes = (bytes: Variable): string => Buffer.from(bytes as Buffer).toString('latin1');

/** Value of a variable as latin1; the first one if there are several, as getenv(3) does. */
export function variable(environment: readonly Variable[], name: string): string | undefined {
  const entry = environment.map(fromBytes).find((text) => text.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

/** Sets variables, at the end of the list; `undefined` removes one. */
export function withVariables(
  environment: readonly Variable[],
  changes: Record<string, Variable | undefined>,
): Variable[] {
  const isChanged = (entry: Variable): boolean => {
    const text = fromBytes(entry);
    return Object.keys(changes).some((name) => text.startsWith(`${name}=`));
  };
  const added = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [Buffer.concat([toBytes(`${name}=`), Buffer.from(value as Buffer)])],
  );
  return [...environment.filter((entry) => !isChanged(entry)), ...added];
}

/**
 * The list of the caller in its order, and then our library, unless it is in the list already.
 * @param directory where all builds of the library are
 */
export function preloadList(existing: string | undefined, library: string, directory: string): Buffer {
  const list = (existing ?? '').replace(/^[ :]+|[ :]+$/g, '');
  if (list === '') return Buffer.from(library);
  const isOurs = (path: string): boolean => {
    if (path === fromBytes(library)) return true;
    try {
      return path.includes('/') && realpathSync(toBytes(path)).startsWith(`${realpathSync(directory)}/`);
    } catch {
      return false;
    }
  };
  return toBytes(list.split(/[ :]+/).some(isOurs) ? list : `${list}:${fromBytes(library)}`);
}

/**
 * The variables that the preload library reads.
 * @param library value of LD_PRELOAD
 */
export function preloadVariables(
  settings: Settings,
  library: Buffer | string,
): Record<string, Buffer | string> {
  const { debug, socket, isStrict, rcvbuf, sndbuf, only, except } = settings;
  return {
    LD_PRELOAD: library,
    ...(debug && { SMC_DEBUG: '1' }),
    ...(socket && { SMC_SOCKET: socket }),
    ...(isStrict && { SMC_STRICT: '1' }),
    ...(only.length > 0 && { SMC_ONLY_COMMAND: only.join(':') }),
    ...(except.length > 0 && { SMC_EXCEPT_COMMAND: except.join(':') }),
    ...(rcvbuf !== undefined && { SMC_RCVBUF: String(rcvbuf) }),
    ...(sndbuf !== undefined && { SMC_SNDBUF: String(sndbuf) }),
  };
}
