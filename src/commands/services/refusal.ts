// SPDX-License-Identifier: MIT
/** Why a service is not changed. */
import { SmcError } from '../../smc/error.ts';

/** An error that refuses the service. */
export const refuse = (message: string, hint?: string): SmcError =>
  new SmcError('NOT_SUPPORTED', message, { hint });

/** A file that smc_run made and somebody edited. */
export function changedByHand(path: string): SmcError {
  return refuse(
    `${path} was changed by hand since smc_run made it`,
    'move the changes to another file, delete this one, and try again',
  );
}
