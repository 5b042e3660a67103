// SPDX-License-Identifier: MIT
/** Which sockets smcss shows, and how it gets them. */
import { warnBeforeListing } from '../../cli/listing-warning.ts';
import type { Context } from '../../cli/run.ts';
import { SOCKETS_TO_COME } from '../../smc/listing-danger.ts';
import type { SeenSocket } from '../../smc/seen-socket.ts';
import type { SocketFilter } from '../../smc/socket-filter.ts';
import type { FilterNeed } from '../../smc/socket-filter-fields.ts';
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

/** The filter that the operands are, if there are any. @throws UsageError */
export async function filterOf(
  context: Context,
  words: readonly string[],
  options: SmcssOptions,
): Promise<SocketFilter | undefined> {
  return words.length > 0 ? (await import('./filter.ts')).readFilter(context, words, options) : undefined;
}

/** Sockets before the selection. */
export interface SocketList {
  /** as the kernel sends them, some hundred at a time */
  batches: AsyncGenerator<SeenSocket[], { interrupted: boolean }>;
  /** Says at the end what could not be found out. */
  remark(): void;
}

/** Whether a list is the only one, or the first one or a later one of many. */
export type Turn = 'only' | 'first' | 'later';

/**
 * Opens the list. Warns first if that is dangerous, except before a later one.
 * @param needs what is to be known of each socket beyond the basics
 */
export async function openList(
  context: Context,
  details: SocketDetails,
  needs: ReadonlySet<FilterNeed>,
  turn: Turn = 'only',
): Promise<SocketList> {
  if (needs.size > 0) return (await import('./seen-list.ts')).openSeenList(context, details, needs, turn);
  if (turn !== 'later')
    warnBeforeListing(context, turn === 'only' ? details : { ...details, ...SOCKETS_TO_COME });
  return { batches: (await context.client()).socketBatches(details), remark() {} };
}

/** What is done with a socket that options and filter select. */
export type SocketVisitor = (socket: SeenSocket) => void;

/** Waits until the list is due, and gives what adds the traffic to its sockets. */
export type Measure = () => Promise<(sockets: readonly SeenSocket[]) => void>;

/**
 * Lists the sockets for a view that shows none of them itself.
 * @returns whether the table changed meanwhile, and what is to be said after the output
 */
export async function visitSockets(
  context: Context,
  options: SmcssOptions,
  words: readonly string[],
  { details, needs }: { details: SocketDetails; needs: ReadonlySet<FilterNeed> },
  visit: SocketVisitor,
  measure?: Measure,
): Promise<{ interrupted: boolean; remark: () => void }> {
  const filter = await filterOf(context, words, options);
  const all = new Set<FilterNeed>([...needs, ...(filter?.needs ?? [])]);
  if (options.allNetns) all.add('netns');
  const { batches, remark } = await openList(context, details, all);
  try {
    const addTraffic = await measure?.();
    for (;;) {
      const next = await batches.next();
      if (!next.done) addTraffic?.(next.value);
      if (next.done) {
        const { interrupted } = next.value;
        return { interrupted, remark: () => remarkAll(context, interrupted, remark) };
      }
      for (const socket of next.value) if (isWanted(socket, options, filter)) visit(socket);
    }
  } finally {
    await batches.return({ interrupted: false });
  }
}

/** Says at the end what could not be found out. */
export function remarkAll({ note, io }: Context, interrupted: boolean, remark: () => void): void {
  io.flush();
  remark();
  if (interrupted)
    note('the table changed while it was read: sockets may be missing or shown twice', 'run it again');
}
