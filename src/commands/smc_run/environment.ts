// SPDX-License-Identifier: MIT
/** The environment of the program. Names and values are bytes; as latin1 every byte is a character. */
import { realpathSync } from 'node:fs';

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
