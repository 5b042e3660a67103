// SPDX-License-Identifier: MIT
/** In what way a kernel is without SMC, in words. */
import { type ModuleState, moduleState } from '../host/kernel-module.ts';

/** What helps where a kernel was built without it. Since Linux 6.18, CONFIG_SMC depends on CONFIG_DIBS. */
export const BOOT_ANOTHER =
  'boot a kernel that was built with CONFIG_SMC, CONFIG_SMC_DIAG and, since Linux 6.18, CONFIG_DIBS';

export interface MissingModule {
  text: string;
  /** what helps, as checks have it after "fix:" */
  fix: string;
  /** the same as the hint of an error, which follows the text */
  hint: string;
}

/** A module that can be loaded, and is not. */
export const notLoaded = (module: string): MissingModule => ({
  text: `the kernel module ${module} is not loaded`,
  fix: `modprobe ${module}`,
  hint: `load it: modprobe ${module}`,
});

/** As {@link notLoaded}, in a container, which does not see the host's modules. */
export const notLoadedOnHost = (module: string): MissingModule => ({
  ...notLoaded(module),
  fix: `on the host: modprobe ${module}`,
  hint: `load it on the host: modprobe ${module}`,
});

/** Why there is no SMC in a kernel of which no family or protocol of SMC can be seen. */
export function withoutSmc(smc: ModuleState): MissingModule {
  if (smc === 'absent') return { text: 'this kernel has no SMC', fix: BOOT_ANOTHER, hint: BOOT_ANOTHER };
  return smc === 'unknown' ? notLoadedOnHost('smc') : notLoaded('smc');
}

/** Why there is no SMC in the kernel at the moment. Loads no module. */
export const whyNoSmc = (root: string): MissingModule => withoutSmc(moduleState('smc', root));
