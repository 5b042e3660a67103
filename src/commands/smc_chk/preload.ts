// SPDX-License-Identifier: MIT
/**
 * Makes the sockets of this very process SMC sockets: it executes itself once more with the preload library, as smc_run
 * would. So there is no helper process and no file that could be left behind.
 */
import { readFileSync } from 'node:fs';
import type { Context } from '../../cli/run.ts';
import { SmcError } from '../../smc/error.ts';
import { findAddon, findPreloadLibrary } from '../../smc/native-parts.ts';

/** Set for the process that we become; it takes the variable away again. */
const STAGE_VARIABLE = 'SMC_CHK_PRELOADED';
const SHIM = 'libsmc-preload.so';

/**
 * Returns when the preload library is in this process. Otherwise the process becomes one where it is.
 * @throws SmcError NOT_SUPPORTED when that cannot be
 */
export function enterShim({ io, hostRoot }: Context): void {
  if (io.env[STAGE_VARIABLE] !== undefined) {
    delete process.env[STAGE_VARIABLE];
    if (!isLoaded(hostRoot))
      throw new SmcError('NOT_SUPPORTED', 'the preload library was not loaded', {
        hint: 'a node binary that is statically linked or has file capabilities cannot load it',
      });
    return;
  }
  const shim = findPreloadLibrary();
  const preload = [io.env['LD_PRELOAD'], shim].filter(Boolean).join(':');
  const environment = { ...io.env, LD_PRELOAD: preload, [STAGE_VARIABLE]: '1' };
  const { execve } = findAddon();
  const words = [process.argv0, ...process.execArgv, ...process.argv.slice(1)];
  io.flush();
  execve(
    process.execPath,
    words,
    Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    {},
  );
}

function isLoaded(root: string): boolean {
  try {
    return readFileSync(`${root}/proc/self/maps`, 'latin1').includes(SHIM);
  } catch {
    return true; // no /proc: what the kernel says of the sockets will tell
  }
}
