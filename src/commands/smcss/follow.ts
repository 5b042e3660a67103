// SPDX-License-Identifier: MIT
/** Lists the sockets again and again, for --watch and --events. */
import type { Context } from '../../cli/run.ts';
import type { SeenSocket } from '../../smc/seen-socket.ts';
import type { FilterNeed } from '../../smc/socket-filter-fields.ts';
import { type ListChanges, SocketTracker } from '../../smc/socket-tracker.ts';
import type { SocketDetails } from '../../smc/sockets.ts';
import { openList, type SocketList } from './selection.ts';

/** A list, and what is different in it. */
export interface FollowedList extends ListChanges {
  /** when it began */
  at: Date;
  /** sockets may be missing */
  interrupted: boolean;
  /** says what could not be found out, see `SocketList` */
  remark: () => void;
}

/** From this time between two lists on, the positions of connections always need a probe. Milliseconds. */
const LONG_MS = 5000;

/** From a list to its probe: as a rule 100 milliseconds, and not more than a quarter of the whole time. */
export const probeAfter = (seconds: number): number => Math.min(100, 250 * seconds);

/**
 * When the next list is due. A list that takes longer than the interval makes the times pass in between fall out.
 * @param last when the last list was due
 * @param now milliseconds of the same clock
 */
export function nextTick(last: number, now: number, seconds: number): number {
  const interval = 1000 * seconds;
  return last + interval * Math.max(1, Math.ceil((now - last) / interval));
}

/** The sockets of one list after the other, also those that no filter selects: a socket that changes has not ended. */
export class SocketFollower {
  readonly tracker = new SocketTracker();
  readonly #context: Context;
  readonly #details: SocketDetails;
  /** what the kernel and the host were asked for; the danger of that has been told */
  #asked: ReadonlySet<FilterNeed> | undefined;

  /** @param details are asked for in every list; those of connections always */
  constructor(context: Context, details: SocketDetails = {}) {
    this.#context = context;
    this.#details = { ...details, connection: true };
  }

  /**
   * Makes a list; one at a time. Warns before the first one if lists are dangerous here.
   * @param needs what is to be known of each socket; the same object while that does not change
   */
  async list(needs: ReadonlySet<FilterNeed>): Promise<FollowedList> {
    const { tracker } = this;
    const at = new Date();
    const turn = this.#asked === needs ? 'later' : 'first';
    const list = await openList(this.#context, this.#details, needs, turn);
    this.#asked = needs;
    tracker.begin(performance.now());
    const interrupted = await readAll(list, (batch, now) => tracker.add(batch, now));
    const changes = tracker.end({ interrupted });
    return { ...changes, at, interrupted, remark: list.remark };
  }

  /** Whether the next list needs a probe to tell rates. @param seconds until that list */
  needsProbe(seconds: number): boolean {
    return this.tracker.needsProbe || 1000 * seconds >= LONG_MS;
  }

  /** Reads the positions of connections; `probeAfter` a list. */
  async probe(): Promise<void> {
    const where = WHERE[this.#asked?.has('netns') ? 'all' : 'here'];
    const list = await openList(this.#context, { connection: true }, where, 'later');
    await readAll(list, (batch, now) => this.tracker.probe(batch, now));
  }
}

/** What lists need that only have to identify sockets: in this network namespace, and in all. */
export const WHERE: Readonly<Record<'here' | 'all', ReadonlySet<FilterNeed>>> = {
  here: new Set(),
  all: new Set(['netns']),
};

/** What came in one datagram. */
export type Batch = readonly SeenSocket[];

/** Reads a list to its end. @returns whether the list was interrupted */
export async function readAll(
  { batches }: SocketList,
  take: (batch: Batch, now: number) => void,
): Promise<boolean> {
  try {
    for (;;) {
      const next = await batches.next();
      if (next.done) return next.value.interrupted;
      take(next.value, performance.now());
    }
  } finally {
    await batches.return({ interrupted: false });
  }
}
