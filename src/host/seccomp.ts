// SPDX-License-Identifier: MIT
/** Whether a kernel can hand system calls to another process (seccomp_unotify(2)), as far as its files show. */
import { kernelRelease } from './architecture.ts';
import { isAtLeast, kernelVersion } from './kernel-version.ts';
import { readText } from './sysfs.ts';

/** Features, with the kernel version that introduced each of them. The seccomp way needs them all. */
const FEATURES: readonly (readonly [since: string, feature: string])[] = [
  ['5.0', 'SECCOMP_RET_USER_NOTIF'],
  ['5.5', 'SECCOMP_USER_NOTIF_FLAG_CONTINUE'],
  ['5.9', 'SECCOMP_IOCTL_NOTIF_ADDFD'],
];

/**
 * What the kernel lacks, in a clause; null when it has everything, or when no file shows it.
 * @param root of /proc
 */
export function seccompObstacle(root: string): string | null {
  const release = kernelRelease(root);
  if (kernelVersion(release) === undefined) return null;
  const missing = FEATURES.find(([since]) => isAtLeast(release, since) === false);
  if (missing) return `kernel ${release} has no ${missing[1]}, which came with ${missing[0]}`;
  const actions = readText(`${root}/proc/sys/kernel/seccomp/actions_avail`);
  if (actions === undefined) return `kernel ${release} was built without seccomp filters`;
  return actions.split(/\s+/).includes('user_notif')
    ? null
    : `kernel ${release} has no SECCOMP_RET_USER_NOTIF`;
}
