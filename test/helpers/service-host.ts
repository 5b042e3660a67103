// SPDX-License-Identifier: MIT
/** A made-up host with systemd units, for the tests of smc_run --enable and others. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { smcRun } from '../../src/commands/smc_run/command.ts';
import { nativeFile } from '../../src/host/package-files.ts';
import { type Outcome, runCommand } from './run-command.ts';

/** The preload library and the launcher, where the package has them. */
export const LIBRARY = nativeFile('libsmc-preload.so');
export const LAUNCHER = nativeFile('smc-launch');
/** A program that is linked dynamically; the guest has it, too. */
export const DYNAMIC = '/usr/bin/env';
/** The drop-in of u.service, below the root. */
export const DROP_IN = 'etc/systemd/system/u.service.d/zz-smc.conf';

/**
 * A host with the package installed and one unit u.service.
 * @param unit its section [Service]
 * @param files further files, by path
 * @returns its root
 */
export function serviceHost(t: Test, unit: string, files: Record<string, string> = {}): string {
  const root = t.testdir({});
  chmodSync(root, 0o755);
  const put = (path: string, content: string): void => {
    mkdirSync(join(root, dirname(path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(root, path), content, { mode: 0o755 });
  };
  put(LIBRARY, 'library');
  put(LAUNCHER, 'launcher');
  put('usr/lib/systemd/system/u.service', `[Service]\n${unit}`);
  put('usr/lib/systemd/systemd', 'x\0AF_SMC\0x');
  put('proc/sys/kernel/osrelease', '6.12.0\n');
  put('proc/sys/kernel/seccomp/actions_avail', 'kill_process user_notif allow\n');
  for (const [path, content] of Object.entries(files)) put(path, content);
  return root;
}

/** Runs smc_run there. */
export const runOn = (root: string, words: string): Promise<Outcome> =>
  runCommand(smcRun, words.split(' '), { hostRoot: root });
