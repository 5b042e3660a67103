// SPDX-License-Identifier: MIT
/** Architecture and release of the kernel of a host. */
import { existsSync } from 'node:fs';
import { endianness } from 'node:os';
import { readText } from './sysfs.ts';

/** Node's names and the kernel's names, if they differ. */
const KERNEL_NAMES: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ia32: 'i686',
  ppc64: endianness() === 'LE' ? 'ppc64le' : 'ppc64',
  loong64: 'loongarch64',
};

/**
 * Architecture as `uname -m` has it: "s390x", "x86_64", "aarch64". From /proc/sys/kernel/arch (since Linux 6.1).
 * On older kernels, the architecture of this Node, or for a recorded tree "s390x" if it has a channel subsystem.
 * @returns `undefined` when a recorded tree does not show it
 */
export function hostArchitecture(root: string): string | undefined {
  const told = readText(`${root}/proc/sys/kernel/arch`);
  if (told) return told;
  if (existsSync(`${root}/sys/devices/css0`)) return 's390x';
  return root === '/' ? (KERNEL_NAMES[process.arch] ?? process.arch) : undefined;
}

/** Whether the machine is an IBM mainframe, where adapters have FIDs, PCHIDs and PNET IDs in hardware. */
export function isMainframe(root: string): boolean {
  return /^s390x?$/.test(hostArchitecture(root) ?? '');
}

/** Release of the kernel, as `uname -r` prints it. @returns `undefined` when a recorded tree does not have it */
export function kernelRelease(root: string): string | undefined {
  return readText(`${root}/proc/sys/kernel/osrelease`) || undefined;
}
