// SPDX-License-Identifier: MIT
/** A real systemd in a guest: process 1 of a PID namespace, with the guest's network, files and SMC. */
import type { CommandResult, Guest, RunOptions } from './guest.ts';
import { waitFor } from './suite.ts';

/** Runs commands in the PID namespace of systemd, so that `systemctl` works and process 1 is systemd. */
export type Inside = (command: string, options?: RunOptions) => Promise<CommandResult>;

/** The only target that systemd starts; services of the tests start sysinit.target themselves. */
const TARGET = 'smc-tools-test.target';

const GENERATORS = '/usr/lib/systemd/system-generators';

/** How to boot systemd. */
export interface SystemdOptions {
  /** keeps what is in /etc/systemd/system, as a system that boots again does */
  keepsUnits?: boolean;
  /** starts udev, which then hears of devices that come */
  udev?: boolean;
  /** a unit that the boot starts */
  wants?: string;
}

/**
 * Boots systemd. It empties the guest's /tmp.
 * @returns when it has started everything in its target
 */
export async function startSystemd(
  guest: Guest,
  { keepsUnits = false, udev = false, wants }: SystemdOptions = {},
): Promise<Inside> {
  const needed = ['sysinit.target', ...(wants === undefined ? [] : [wants])].join(' ');
  const unit = `[Unit]\nDefaultDependencies=no\nRequires=${needed}\nAfter=${needed}\n`;
  // what is there before the boot is left alone: loading drivers for all that QEMU has takes half a minute
  const masked = ['systemd-udev-trigger.service', ...(udev ? [] : ['systemd-udevd.service'])];
  await guest.writeFile('/run/systemd-target', unit);
  await guest.run(
    `mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir -p /run/systemd/system
    mv /run/systemd-target /run/systemd/system/${TARGET}
    # nothing of the host is wanted: its own units in /etc, its clean-up of /tmp
    ${keepsUnits ? '' : 'rm -rf /etc/systemd/system/*'}
    # it runs them all again whenever it reads its units anew, and none of them has anything to say here
    mountpoint -q ${GENERATORS} || mount -t tmpfs generators ${GENERATORS}
    cd /run/systemd/system
    ln -sf /dev/null systemd-tmpfiles-clean.timer
    ${masked.map((name) => `ln -sf /dev/null ${name}`).join('\n')}`,
    { check: true },
  );
  // "container" keeps systemd from setting up devices and the clock
  await guest.start(
    `exec unshare --pid --fork --mount --mount-proc --propagation private -- \\
      env -i container=smc-tools PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
      /lib/systemd/systemd --system --unit=${TARGET}`,
  );
  const enter = (pid: string): string => `exec nsenter -t ${pid} --mount --pid --root --wd=/ --`;
  // not one that it has just forked, which has the same name for a moment
  const systemd = 'pgrep -ox systemd';
  await waitFor(guest, `(${enter(`"$(${systemd})"`)} systemctl is-active ${TARGET}) 2>&1`, {
    shows: '^active$',
  });
  const pid = (await guest.run(systemd, { check: true })).stdout.trim();
  return (command, options = {}) =>
    guest.run(`${enter(pid)} sh -c "$COMMAND"`, { ...options, env: { ...options.env, COMMAND: command } });
}

/** Ends systemd and everything that it has started. What it has left in /run goes, too. */
export async function stopSystemd(guest: Guest): Promise<void> {
  // process 1 of a PID namespace takes all others with it
  await guest.run('kill -9 $(pgrep -ox systemd)', { check: true });
  await waitFor(guest, '! pgrep -x systemd');
  await guest.run('rm -rf /run/systemd /run/udev');
}
