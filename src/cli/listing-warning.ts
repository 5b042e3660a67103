// SPDX-License-Identifier: MIT
import { type Listing, listingDanger } from '../smc/listing-danger.ts';
import type { Context } from './run.ts';

/**
 * Says in one line on stderr if the kernel, by its version, can crash while its sockets are listed. A command calls it
 * once, before it lists for the first time. The line cannot be switched off: who polls such a kernel takes the greatest
 * risk, and `2>/dev/null` is there for those who accept it.
 */
export function warnBeforeListing(
  { note, hostRoot, isRecorded }: Pick<Context, 'note' | 'hostRoot' | 'isRecorded'>,
  listing: Listing,
): void {
  if (isRecorded) return; // a recording is asked, not a kernel
  const danger = listingDanger(listing, hostRoot);
  if (danger) note(danger.text, danger.hint);
}
