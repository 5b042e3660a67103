// SPDX-License-Identifier: MIT
/** The list of sockets with what else is known of them. Loaded when an option or a filter asks for it. */
import { warnBeforeListing } from '../../cli/listing-warning.ts';
import type { Context } from '../../cli/run.ts';
import { SocketOwners } from '../../host/socket-owners.ts';
import { seenSockets, withNeeds } from '../../smc/seen-sockets.ts';
import type { FilterNeed } from '../../smc/socket-filter-fields.ts';
import { whyUnknown } from '../../smc/socket-ownership.ts';
import type { SocketDetails } from '../../smc/sockets.ts';
import type { SocketList } from './selection.ts';

export async function openSeenList(
  context: Context,
  details: SocketDetails,
  needs: ReadonlySet<FilterNeed>,
): Promise<SocketList> {
  const { note, hostRoot } = context;
  warnBeforeListing(context, withNeeds(details, needs));
  const owners = needs.has('ownership') ? new SocketOwners(hostRoot) : undefined;
  let unknown = 0;
  async function* counted(): SocketList['batches'] {
    const batches = seenSockets(await context.client(), { details, also: needs, owners });
    try {
      for (;;) {
        const next = await batches.next();
        if (next.done) return next.value;
        for (const { ownership } of next.value) if (ownership?.state === 'unknown') unknown++;
        yield next.value;
      }
    } finally {
      await batches.return({ interrupted: false });
    }
  }
  return {
    batches: counted(),
    remark() {
      if (!owners || unknown === 0) return;
      const { why, hint } = whyUnknown(owners);
      note(`the owners of ${unknown} socket${unknown === 1 ? '' : 's'} are unknown: ${why}`, hint);
    },
  };
}
