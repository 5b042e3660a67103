// SPDX-License-Identifier: MIT
/** A real systemd in a guest: process 1 of a PID namespace, with the guest's network, files and SMC. */
import type { CommandResult, Guest, RunOptions } from './guest.ts';
import { waitFor } from './suite.ts';

/** Runs commands in the PID namespace of systemd, so that `systemctl` works and process 1 is systemd. */
export type Inside = (command: string, options?: RunOptions) => Promise<CommandResult>;

/** The only target that systemd starts; services of the tests start sysinit.target themselves. */
const TARGET = 'smc-tools-test.target';

/**
 * Boots systemd. It empties the guest's /tmp.
 * @returns when it has started everything in its target
 */
export async function startSystemd(guest: Guest): Promise<Inside> {
  const unit = `[Unit]\nDefaultDependencies=no\nRequires=sysinit.target\nAfter=sysinit.target\n`;
  await guest.writeFile('/run/systemd-target', unit);
  await guest.run(
    `mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir -p /run/systemd/system
    mv /run/systemd-target /run/systemd/system/${TARGET}
    # nothing of the host is wanted: its own units in /etc, its clean-up of /tmp
    rm -rf /etc/systemd/system/*
    ln -s /dev/null /etc/systemd/system/systemd-tmpfiles-clean.timer`,
    { check: true },
  );
  // "container" keeps systemd from setting up devices and the clock
  await guest.start(
    `exec unshare --pid --fork --mount --mount-proc --propagation private -- \\
      env -i container=smc-tools PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
      /lib/systemd/systemd --system --unit=${TARGET}`,
  );
  const enter = `exec nsenter -t "$(pgrep -x systemd | tail -1)" --mount --pid --root --wd=/ --`;
  const inside: Inside = (command, options = {}) =>
    guest.run(`${enter} sh -c "$COMMAND"`, { ...options, env: { ...options.env, COMMAND: command } });
  await waitFor(guest, `(${enter} systemctl is-active ${TARGET}) 2>&1`, { shows: '^active$' });
  return inside;
}
