// SPDX-License-Identifier: MIT
/** Resource limits of this process. */
import { readHostFile } from './host-file.ts';

export interface ResourceLimit {
  /** Infinity: no limit */
  soft: number;
  hard: number;
}

const RESOURCES = { openFiles: 'Max open files', lockedMemory: 'Max locked memory' } as const;

/**
 * Limits of the parent process, which is usually the user's shell. Our own soft limit of open files is not used, because
 * Node raises it. If the limits of the parent cannot be read, our own are returned.
 * @returns number of open files, bytes of locked memory
 * @throws Node's own error when /proc has neither
 */
export function resourceLimits(root: string): Record<keyof typeof RESOURCES, ResourceLimit | undefined> {
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
    const parent = /^PPid:\s*(\d+)$/m.exec(readHostFile('proc/self/status', root))?.[1];
    if (parent && parent !== '0') return readHostFile(`proc/${parent}/limits`, root);
  } catch {
    // a parent in another PID namespace, or a recorded tree
  }
  return readHostFile('proc/self/limits', root);
}
