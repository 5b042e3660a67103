// SPDX-License-Identifier: MIT
/** The limits of the kernel for buffers: it silently caps SO_RCVBUF and SO_SNDBUF at net.core.rmem_max and wmem_max. */
import type { Context } from '../../cli/run.ts';
import { readSysctl, writeSysctl } from '../../host/sysctl.ts';

type LimitName = 'rmem_max' | 'wmem_max';

/**
 * Raises a limit to a size. Only root can do that, and it holds for the whole host. For other users it prints a note, and
 * the program gets what the limit allows.
 */
export function raiseBufferLimit(name: LimitName, bytes: number, { note, hostRoot }: Context): void {
  const setting = `net.core.${name}`;
  const limit = bufferLimit(setting, hostRoot);
  if (limit === undefined || bytes <= limit) return;
  const capped = cappedText(setting, limit);
  if (process.geteuid?.() !== 0) {
    note(capped, `as root: sysctl -w ${setting}=${bytes}`);
    return;
  }
  try {
    writeSysctl(setting, String(bytes), hostRoot);
    note(`${setting} raised from ${limit} to ${bytes} bytes, for the whole host until it reboots`);
  } catch (error) {
    note(`${capped}, it cannot be raised (${(error as NodeJS.ErrnoException).code})`);
  }
}

/**
 * Prints a note if a limit is below a size. The limit is not raised for a service: that would be lost with the next reboot,
 * and the limit belongs to the whole host.
 */
export function noteBufferLimit(name: LimitName, bytes: number, { note, hostRoot }: Context): void {
  const setting = `net.core.${name}`;
  const limit = bufferLimit(setting, hostRoot);
  if (limit !== undefined && bytes > limit)
    note(cappedText(setting, limit), `put ${setting} = ${bytes} into a file in /etc/sysctl.d`);
}

const cappedText = (setting: string, limit: number): string =>
  `buffers are capped at ${setting} = ${limit} bytes`;

/** Bytes; `undefined` where the limit is not visible, as in network namespaces of old kernels: the kernel decides. */
function bufferLimit(setting: string, root: string): number | undefined {
  try {
    const text = readSysctl(setting, root);
    return text === undefined ? undefined : Number(text);
  } catch {
    return undefined;
  }
}
