// SPDX-License-Identifier: MIT
/**
 * What apply remembers for undo, and for entries that lose their effect. It is kept in a private file, and counts for one
 * boot and one network namespace.
 */
import { bootId, networkNamespace } from '../../host/identity.ts';
import { readStateFile, stateDirectory, writeStateFile } from '../../host/state-file.ts';
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

type Environment = Readonly<Record<string, string | undefined>>;

const FORMAT = 'smc-tools-conf';
const VERSION = 1;

/** Where it is kept, for root. */
export interface MemoryFile {
  directory: string;
  name: string;
}

/** @throws SmcError NOT_FOUND when there is no directory for it; Node's own error without /proc */
export function memoryFile(env: Environment, root: string): MemoryFile {
  const directory = stateDirectory(env, root);
  if (directory === undefined)
    throw new SmcError('NOT_FOUND', 'there is no directory to remember the state before in', {
      hint: 'set HOME or XDG_STATE_HOME',
    });
  return { directory, name: `conf-${networkNamespace(root)}.json` };
}

/**
 * Reads what was remembered since the boot.
 * @throws SmcError INVALID for a damaged file; UntrustedError; Node's own error
 */
export function recall(file: MemoryFile, root: string): Memory {
  const text = readStateFile(file.directory, file.name);
  const nothing: Memory = { interfaces: new Map() };
  if (text === undefined) return nothing;
  const document = parse(text, `${file.directory}/${file.name}`);
  // the kernel has forgotten everything when it boots
  if (document.bootId !== bootId(root)) return nothing;
  return { last: document.last, interfaces: document.interfaces };
}

/** @throws UntrustedError; Node's own error */
export function remember(file: MemoryFile, root: string, { last, interfaces }: Memory): void {
  const document = { format: FORMAT, version: VERSION, bootId: bootId(root), last, interfaces };
  writeStateFile(
    file.directory,
    file.name,
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
