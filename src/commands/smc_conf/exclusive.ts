// SPDX-License-Identifier: MIT
/** What apply and undo need before they change anything. */
import type { Context } from '../../cli/run.ts';
import { hasCapability } from '../../host/capabilities.ts';
import { withFileLock } from '../../host/file-lock.ts';
import { SmcError } from '../../smc/error.ts';
import { findAddon } from '../../smc/native-parts.ts';
import { memoryDirectory } from './memory.ts';

/**
 * Does something that changes the host, while no other smc_conf does.
 * @throws SmcError NOT_SUPPORTED when the user may not change anything
 */
export async function exclusively(
  { hostRoot, note }: Context,
  action: string,
  body: () => Promise<number>,
): Promise<number> {
  if (hasCapability('CAP_NET_ADMIN', hostRoot) === false)
    throw new SmcError('NOT_SUPPORTED', `${action} changes the settings of the kernel`, {
      hint: 'run it as root',
    });
  const onWait = (): void => note('waiting for another smc_conf to end');
  return withFileLock(findAddon(), memoryDirectory(hostRoot), 'conf.lock', onWait, body);
}
