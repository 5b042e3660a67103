// SPDX-License-Identifier: MIT
/** Processes of a systemd unit, from its control group. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { entries, readText } from './sysfs.ts';

/** How many processes a unit has. */
export interface UnitProcesses {
  /** without smc-launch */
  all: number;
  /** those of them whose sockets are converted */
  converted: number;
}

/**
 * Counts the processes of a service. A process is converted if it has the preload library mapped, or if smc-launch runs in
 * the same service: its filter covers all processes there.
 * @returns null when the service does not run
 */
export function processesOf(unit: string, root: string): UnitProcesses | null {
  const group = controlGroupOf(unit, root);
  if (!group) return null;
  const processes = processIds(group).map((id) => join(root, 'proc', id));
  const isLauncher = (process: string): boolean => readText(join(process, 'comm')) === 'smc-launch';
  const programs = processes.filter((process) => !isLauncher(process));
  const isSupervised = programs.length < processes.length;
  const converted = programs.filter(
    (process) => isSupervised || /\/libsmc-preload[^/]*\.so$/m.test(readText(join(process, 'maps')) ?? ''),
  );
  return programs.length > 0 ? { all: programs.length, converted: converted.length } : null;
}

/** Control group of a unit: in system.slice or in a slice below it. Instances of a template have a slice of their own. */
function controlGroupOf(unit: string, root: string): string | undefined {
  for (const top of ['sys/fs/cgroup', 'sys/fs/cgroup/systemd']) {
    const candidates = [join(root, top, 'system.slice')];
    for (let directory = candidates.pop(); directory; directory = candidates.pop()) {
      for (const entry of entries(directory)) {
        const path = join(directory, entry);
        if (entry === unit) return path;
        if (entry.endsWith('.slice')) candidates.push(path);
      }
    }
  }
  return undefined;
}

function processIds(group: string): string[] {
  const own = (readText(join(group, 'cgroup.procs')) ?? '').split('\n').filter(Boolean);
  const below = entries(group).filter((entry) =>
    statSync(join(group, entry), { throwIfNoEntry: false })?.isDirectory(),
  );
  return [...own, ...below.flatMap((entry) => processIds(join(group, entry)))];
}
