// SPDX-License-Identifier: MIT
/** What can be known about a kernel module without loading it. */
import { existsSync, readFileSync } from 'node:fs';
import { kernelRelease } from './architecture.ts';

export type ModuleState =
  /** /sys/module has it */
  | 'loaded'
  /** built into the kernel */
  | 'built-in'
  /** a module file is there, so `modprobe` can load it */
  | 'available'
  /** the kernel was built without it: it is not in the kernel's module list */
  | 'absent'
  /** the module list of the running kernel cannot be read, as in most containers */
  | 'unknown';

/** @param name with underscores, as in /sys/module */
export function moduleState(name: string, root: string, release = kernelRelease(root)): ModuleState {
  if (existsSync(`${root}/sys/module/${name}`)) return 'loaded';
  const directory = `${root}/lib/modules/${release}`;
  const listed = (file: string): boolean | undefined => {
    try {
      return new RegExp(`(^|/)${name}\\.ko`, 'm').test(readFileSync(`${directory}/${file}`, 'latin1'));
    } catch {
      return undefined;
    }
  };
  if (listed('modules.builtin')) return 'built-in';
  const dependencies = listed('modules.dep');
  if (dependencies === undefined) return 'unknown';
  return dependencies ? 'available' : 'absent';
}
