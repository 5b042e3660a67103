// SPDX-License-Identifier: MIT
/** Which sockets smcss shows, and how it gets them. */
import { warnBeforeListing } from '../../cli/listing-warning.ts';
import type { Context } from '../../cli/run.ts';
import type { SeenSocket } from '../../smc/seen-socket.ts';
import type { SocketFilter } from '../../smc/socket-filter.ts';
import { MODE_SMCD, MODE_SMCR, type SocketDetails, STATE_INIT, STATE_LISTEN } from '../../smc/sockets.ts';
import type { SmcssOptions } from './options.ts';

/** Whether options and filter select a socket. A filter that asks for states also gets those that need `--all`. */
export function isWanted(
  socket: SeenSocket,
  options: SmcssOptions,
  filter: SocketFilter | undefined,
): boolean {
  return isInList(socket, options, filter?.choosesStates) && (filter?.matches(socket) ?? true);
}

function isInList(
  { state, mode }: SeenSocket,
  { all, listening, smcr, smcd }: SmcssOptions,
  choosesStates = false,
): boolean {
  if (listening) return state === STATE_LISTEN;
  if (!all && !choosesStates && (state === STATE_LISTEN || state === STATE_INIT)) return false;
  // with --all, sockets without a connection stay in the SMC-R list: the kernel reports them as such
  if (smcr) return mode === MODE_SMCR;
  if (smcd) return mode === MODE_SMCD;
  return true;
}

/** The sockets before the selection, with what the filter needs. Warns first if the listing is dangerous. */
export async function openList(
  context: Context,
  details: SocketDetails,
  filter: SocketFilter | undefined,
): Promise<AsyncGenerator<SeenSocket, { interrupted: boolean }>> {
  const also = filter?.needs;
  if (!also?.size) {
    warnBeforeListing(context, details);
    return (await context.client()).sockets(details);
  }
  const { seenSockets, withNeeds } = await import('../../smc/seen-sockets.ts');
  warnBeforeListing(context, withNeeds(details, also));
  return seenSockets(await context.client(), { details, also });
}
