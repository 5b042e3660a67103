// SPDX-License-Identifier: MIT
/** Resource limits of this process. */
import { readHostFile } from './host-file.ts';

export interface ResourceLimit {
  /** Infinity for none */
  soft: number;
  hard: number;
}

const RESOURCES = { openFiles: 'Max open files', lockedMemory: 'Max locked memory' } as const;

/**
 * Limits of the process that started this one, which is the user's shell in most cases: Node raises its own soft limit
 * of open files. When that one does not tell, our own.
 * @returns number of open files, bytes of locked memory
 * @throws Node's own error when /proc tells neither
 */
export function resourceLimits(root = '/'): Record<keyof typeof RESOURCES, ResourceLimit | undefined> {
  const text = readLimits(root);
  const limit = (title: string): ResourceLimit | undefined => {
    const [, soft, hard] = new RegExp(`^${title} +(\\S+) +(\\S+)`, 'm').exec(text) ?? [];
    return soft === undefined || hard === undefined ? undefined : { soft: number(soft), hard: number(hard) };
  };
  return { openFiles: limit(RESOURCES.openFiles), lockedMemory: limit(RESOURCES.lockedMemory) };
}

const number = (text: string): number => (text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text));

function readLimits(root: string): string {
  try {
    const parent = /^PPid:\s*(\d+)$/m.exec(readHostFile('/proc/self/status', root))?.[1];
    if (parent && parent !== '0') return readHostFile(`/proc/${parent}/limits`, root);
  } catch {
    // a parent in another PID namespace, or a recorded tree
  }
  return readHostFile('/proc/self/limits', root);
}
