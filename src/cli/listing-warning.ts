// SPDX-License-Identifier: MIT
import { type Listing, listingDanger } from '../smc/listing-danger.ts';
import type { Context } from './run.ts';

/**
 * Prints a line on stderr if the kernel, by its version, can crash while its sockets are listed. A command calls this
 * once, before its first listing. There is no option that switches the line off, because those who poll such a kernel
 * take the greatest risk. If you accept that risk, use `2>/dev/null`.
 */
export function warnBeforeListing(
  { note, hostRoot, isRecorded }: Pick<Context, 'note' | 'hostRoot' | 'isRecorded'>,
  listing: Listing,
): void {
  if (isRecorded) return; // the answers come from a recording, not from a kernel
  const danger = listingDanger(listing, hostRoot);
  if (danger) note(danger.text, danger.hint);
}
