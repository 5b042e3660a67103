// SPDX-License-Identifier: MIT
/** In what way a kernel is without SMC, in words. */
import { moduleState } from '../host/kernel-module.ts';
import type { Explanation } from './explain.ts';

/** What helps where a kernel was built without it. */
export const BOOT_ANOTHER = 'boot a kernel that was built with CONFIG_SMC and CONFIG_SMC_DIAG';

/** Why there is no SMC in the kernel at the moment. Loads no module. */
export function whyNoSmc(root: string): Explanation & { hint: string } {
  return moduleState('smc', root) === 'absent'
    ? { text: 'this kernel has no SMC', hint: BOOT_ANOTHER }
    : { text: 'kernel module smc is not loaded', hint: 'load it: modprobe smc' };
}
