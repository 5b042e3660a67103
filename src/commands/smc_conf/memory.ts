// SPDX-License-Identifier: MIT
/**
 * What apply remembers for undo, and for entries that lose their effect. It is kept in a private file, and counts for one
 * boot and one network namespace.
 */
import { join } from 'node:path';
import { bootId, networkNamespace } from '../../host/identity.ts';
import { readStateFile, writeStateFile } from '../../host/state-file.ts';
import { SmcError } from '../../smc/error.ts';
import type { Configuration } from './configuration.ts';

/** The last apply that changed something. */
export interface LastApply {
  /** ISO 8601 */
  time: string;
  before: Configuration;
  /** what it was to become; an apply that was killed may have got there in part */
  after: Configuration;
  /** false while it works, and so after it was killed */
  isComplete: boolean;
}

export interface Memory {
  last?: LastApply | undefined;
  /**
   * index of each interface of the file when its entry was made or last seen to be right; 0 if there was no such
   * interface
   */
  interfaces: ReadonlyMap<string, number>;
}

const FORMAT = 'smc-tools-conf';
const VERSION = 1;

/**
 * The directory of root, whatever the environment says: undo in a shell and apply at boot mean the same file, and exclude
 * each other.
 */
export const memoryDirectory = (root: string): string => join(root, 'run', 'smc-tools');

/** Nothing is known. */
const NOTHING: Memory = { interfaces: new Map() };

const fileName = (root: string): string => `conf-${networkNamespace(root)}.json`;

/**
 * Reads what was remembered since the boot.
 * @throws SmcError INVALID for a damaged file; UntrustedError; Node's own error
 */
export function recall(root: string): Memory {
  const directory = memoryDirectory(root);
  const text = readStateFile(directory, fileName(root));
  if (text === undefined) return NOTHING;
  const document = parse(text, join(directory, fileName(root)));
  // the kernel has forgotten everything when it boots
  if (document.bootId !== bootId(root)) return NOTHING;
  return { last: document.last, interfaces: document.interfaces };
}

/** The same for a command that changes nothing: nothing is known where the file cannot be used. */
export function recallIfReadable(root: string): Memory {
  try {
    return recall(root);
  } catch {
    return NOTHING;
  }
}

/** @throws UntrustedError; Node's own error */
export function remember(root: string, { last, interfaces }: Memory): void {
  const document = { format: FORMAT, version: VERSION, bootId: bootId(root), last, interfaces };
  writeStateFile(
    memoryDirectory(root),
    fileName(root),
    `${JSON.stringify(document, (_key, value) => (value instanceof Map ? { entries: [...value] } : value))}\n`,
  );
}

function parse(text: string, path: string): Memory & { bootId: unknown } {
  const damaged = new SmcError('INVALID', `${path} is damaged`, { hint: 'delete it' });
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(text, (_key, value) =>
      Array.isArray(value?.entries) ? new Map(value.entries) : value,
    );
  } catch {
    throw damaged;
  }
  if (document?.['format'] !== FORMAT || document['version'] !== VERSION) throw damaged;
  if (!(document['interfaces'] instanceof Map)) throw damaged;
  return document as unknown as Memory & { bootId: unknown };
}
