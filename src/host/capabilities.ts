// SPDX-License-Identifier: MIT
/** Capabilities of processes (capabilities(7)). */
import { readHostFile } from './host-file.ts';

/** Numbers in include/uapi/linux/capability.h. */
const NUMBERS = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 } as const;

/** Whether this process has a capability. @returns `undefined` where /proc does not show it */
export function hasCapability(name: keyof typeof NUMBERS, root: string): boolean | undefined {
  let status: string;
  try {
    status = readHostFile('proc/self/status', root);
  } catch {
    return undefined;
  }
  return capabilityIn(status, name);
}

/** The same by the text of /proc/PID/status. @returns `undefined` if the text does not say it */
export function capabilityIn(status: string, name: keyof typeof NUMBERS): boolean | undefined {
  const [, effective] = /^CapEff:\s*([0-9a-f]{1,16})$/im.exec(status) ?? [];
  return effective === undefined
    ? undefined
    : ((BigInt(`0x${effective}`) >> BigInt(NUMBERS[name])) & 1n) === 1n;
}
