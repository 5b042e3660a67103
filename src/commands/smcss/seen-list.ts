// SPDX-License-Identifier: MIT
/** The list of sockets with what else is known of them. Loaded when an option or a filter asks for it. */
import { warnBeforeListing } from '../../cli/listing-warning.ts';
import type { Context } from '../../cli/run.ts';
import { networkNamespaces } from '../../host/network-namespaces.ts';
import { SocketOwners } from '../../host/socket-owners.ts';
import { type NotEntered, socketsOfAll } from '../../smc/all-namespaces.ts';
import { SOCKETS_TO_COME } from '../../smc/listing-danger.ts';
import { findAddon } from '../../smc/native-parts.ts';
import { seenSockets, withNeeds } from '../../smc/seen-sockets.ts';
import type { FilterNeed } from '../../smc/socket-filter-fields.ts';
import { whyUnknown } from '../../smc/socket-ownership.ts';
import type { SocketDetails } from '../../smc/sockets.ts';
import type { SocketList, Turn } from './selection.ts';

const NOT_IN_BUNDLE = {
  why: 'the bundle does not have their processes',
  hint: 'smc_dbg of this version collects them, as root those of all users',
};

export async function openSeenList(
  context: Context,
  details: SocketDetails,
  needs: ReadonlySet<FilterNeed>,
  turn: Turn,
): Promise<SocketList> {
  const { note, hostRoot, isRecorded } = context;
  const isEverywhere = needs.has('netns');
  if (turn !== 'later')
    warnBeforeListing(context, {
      ...withNeeds(details, needs),
      // what is open in other namespaces is not known
      ...((isEverywhere || turn === 'first') && SOCKETS_TO_COME),
    });
  const client = await context.client();
  const owners = needs.has('ownership') ? new SocketOwners(hostRoot) : undefined;
  const list = (): SocketList['batches'] => seenSockets(client, { details, also: needs, owners });
  const everywhere = isEverywhere ? listEverywhere(context, list) : undefined;
  let unknown = 0;
  async function* counted(): SocketList['batches'] {
    const batches = everywhere?.batches ?? list();
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
      everywhere?.remark();
      if (!owners || unknown === 0) return;
      const { why, hint } = isRecorded ? NOT_IN_BUNDLE : whyUnknown(owners);
      note(`the owners of ${unknown} socket${unknown === 1 ? '' : 's'} are unknown: ${why}`, hint);
    },
  };
}

/** What can happen to a namespace before it is entered. */
const GONE: readonly string[] = ['ENOENT', 'ESRCH'];

function listEverywhere({ hostRoot, note }: Context, list: () => SocketList['batches']): SocketList {
  const { namespaces, unreadable } = networkNamespaces(hostRoot);
  // our own needs none
  const addon = namespaces.length > 1 ? findAddon() : undefined;
  const left: NotEntered[] = [];
  const batches = socketsOfAll(
    namespaces,
    list,
    (file) => addon?.setNetworkNamespace(file),
    (failure) => {
      if (!GONE.includes(failure.reason)) left.push(failure);
    },
  );
  return {
    batches,
    remark() {
      const hint = 'run it as root, outside of containers';
      if (left.length > 0) {
        const reasons = [...new Set(left.map(({ reason }) => reason))].join(', ');
        note(
          `sockets are missing: ${left.length} of ${namespaces.length} network namespaces cannot be entered (${reasons})`,
          hint,
        );
      }
      if (unreadable > 0)
        note(
          `sockets may be missing: ${unreadable} process${unreadable === 1 ? '' : 'es'} may not be asked for the network namespace`,
          hint,
        );
    },
  };
}
