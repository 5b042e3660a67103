// SPDX-License-Identifier: MIT
/** One list after the other, at regular times. */
import { nextTick, probeAfter, type SocketFollower } from '../follow.ts';

/** What decides when the next list is made. */
export interface Clock {
  seconds: number;
  isOver(): boolean;
  /** Waits so many milliseconds, or until it is over. @returns false if the next list is wanted at once */
  wait(ms: number): Promise<boolean>;
}

/**
 * Makes lists, and their probes, until it is over; never two at a time.
 * @param makeList makes one and shows it
 */
export async function eachTick(
  follower: Pick<SocketFollower, 'needsProbe' | 'probe'>,
  { seconds, isOver, wait }: Clock,
  makeList: () => Promise<unknown>,
): Promise<void> {
  let due = performance.now();
  for (;;) {
    await makeList();
    if (isOver()) return;
    let hasTime = true;
    if (follower.needsProbe(seconds)) {
      hasTime = await wait(probeAfter(seconds));
      if (isOver()) return;
      if (hasTime) await follower.probe();
    }
    const now = performance.now();
    due = nextTick(due, now, seconds);
    hasTime = hasTime && (await wait(due - now));
    if (isOver()) return;
    // somebody did not want to wait: the times go on from here
    if (!hasTime) due = performance.now();
  }
}
