// SPDX-License-Identifier: MIT
/** Whether a kernel can hand system calls to another process (seccomp_unotify(2)), as far as its files show. */
import { readFileSync } from 'node:fs';

/** Features, with the kernel version that introduced each of them. The seccomp way needs them all. */
const PIECES: readonly (readonly [major: number, minor: number, piece: string])[] = [
  [5, 0, 'SECCOMP_RET_USER_NOTIF'],
  [5, 5, 'SECCOMP_USER_NOTIF_FLAG_CONTINUE'],
  [5, 9, 'SECCOMP_IOCTL_NOTIF_ADDFD'],
];

/**
 * What the kernel lacks, in a clause; null when it has everything, or when no file shows it.
 * @param root of /proc
 */
export function seccompObstacle(root = '/'): string | null {
  const release = read(`${root}/proc/sys/kernel/osrelease`)?.trim();
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '')?.map(Number) ?? [];
  if (major === undefined || minor === undefined) return null;
  const missing = PIECES.find(([from, next]) => major < from || (major === from && minor < next));
  if (missing) return `kernel ${release} has no ${missing[2]}, which came with ${missing[0]}.${missing[1]}`;
  const actions = read(`${root}/proc/sys/kernel/seccomp/actions_avail`);
  if (actions === undefined) return `kernel ${release} was built without seccomp filters`;
  return actions.split(/\s+/).includes('user_notif')
    ? null
    : `kernel ${release} has no SECCOMP_RET_USER_NOTIF`;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
