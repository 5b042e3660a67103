// SPDX-License-Identifier: MIT
/** Names of address families in systemd. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { entries } from './sysfs.ts';

/**
 * Whether systemd knows the name AF_SMC. The names are compiled in: those that its C library knew, and AF_SMC is in glibc
 * since 2.26. systemd ignores a name that it does not know, and logs that.
 */
export function systemdKnowsAfSmc(root: string): boolean {
  const folders = ['usr/lib/systemd', 'lib/systemd'];
  for (const library of ['usr/lib', 'lib', 'usr/lib64'])
    for (const entry of entries(join(root, library)))
      if (entry.includes('-linux-')) folders.push(`${library}/${entry}/systemd`);
  const files = folders.flatMap((folder) =>
    entries(join(root, folder))
      .filter((name) => name === 'systemd' || /^libsystemd-shared-.*\.so$/.test(name))
      .map((name) => join(root, folder, name)),
  );
  return files.some((file) => readFileSync(file).includes('\0AF_SMC\0'));
}
