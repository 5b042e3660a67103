// SPDX-License-Identifier: MIT
/** Where a kernel module comes from, and what keeps it from being loaded. */
import { readdirSync, readFileSync } from 'node:fs';

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}

export interface ModuleOrigin {
  /** file below /lib/modules/RELEASE, as in "kernel/net/smc/smc.ko"; `undefined` when the module list does not have it */
  file: string | undefined;
  /** hash of the sources of the loaded module (srcversion) */
  sourceVersion: string | undefined;
  /** it was not built with the kernel ("O" in /sys/module/NAME/taint) */
  isOutOfTree: boolean;
}

/** @param name with underscores, as in /sys/module */
export function moduleOrigin(name: string, release: string, root: string): ModuleOrigin {
  const list = text(`${root}/lib/modules/${release}/modules.dep`) ?? '';
  return {
    file: new RegExp(`^((?:[^:\n]*/)?${name}\\.ko[^:\n]*):`, 'm').exec(list)?.[1],
    sourceVersion: text(`${root}/sys/module/${name}/srcversion`),
    isOutOfTree: /O/.test(text(`${root}/sys/module/${name}/taint`) ?? ''),
  };
}

/** Directories of modprobe.d(5); a file hides files of the same name in later directories. */
const DIRECTORIES = [
  'etc/modprobe.d',
  'run/modprobe.d',
  'usr/local/lib/modprobe.d',
  'usr/lib/modprobe.d',
  'lib/modprobe.d',
];

export interface ModuleBlock {
  /** path without the root, or "the kernel's command line" */
  where: string;
  /** the line or word, unchanged */
  line: string;
}

/**
 * What keeps a module from being loaded on demand: a `blacklist` line, an `install` line that runs false or true
 * instead, or a word on the kernel's command line. `install` lines with other commands are ignored.
 */
export function moduleBlock(name: string, root: string): ModuleBlock | undefined {
  // modprobe treats a dash like an underscore
  const same = name.replaceAll('_', '[-_]');
  const line = new RegExp(
    `^[ \\t]*(?:blacklist[ \\t]+${same}[ \\t]*$|install[ \\t]+${same}[ \\t]+(?:\\S*/)?(?:false|true)\\b.*$)`,
    'm',
  );
  const seen = new Set<string>();
  for (const directory of DIRECTORIES)
    for (const file of files(`${root}/${directory}`)) {
      if (!file.endsWith('.conf') || seen.has(file)) continue;
      seen.add(file);
      const found = line.exec(text(`${root}/${directory}/${file}`) ?? '');
      if (found) return { where: `/${directory}/${file}`, line: found[0].trim() };
    }
  const word = new RegExp(
    `(?:^|\\s)((?:modprobe\\.|module_)blacklist=(?:\\S*,)?${same}(?:,\\S*)?)(?=\\s|$)`,
  ).exec(text(`${root}/proc/cmdline`) ?? '');
  return word ? { where: "the kernel's command line", line: word[1]! } : undefined;
}

function files(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return []; // most of these directories do not exist
  }
}
