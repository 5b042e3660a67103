// SPDX-License-Identifier: MIT
/** smcss --events: a line for each thing that happens to a connection. */
import { cleanUpOnSignal, pause, untilInterrupted } from '../../../cli/interrupt.ts';
import type { Context } from '../../../cli/run.ts';
import { SocketOwners } from '../../../host/socket-owners.ts';
import { connectionSide } from '../../../smc/connection-side.ts';
import type { ConnectionSide, SeenSocket } from '../../../smc/seen-socket.ts';
import type { TracedLinkDown, TracedLoss } from '../../../smc/smc-trace.ts';
import { type ConnectionEvent, SocketEvents } from '../../../smc/socket-events.ts';
import type { SocketFilter } from '../../../smc/socket-filter.ts';
import type { FilterNeed } from '../../../smc/socket-filter-fields.ts';
import { whyUnknown } from '../../../smc/socket-ownership.ts';
import type { TrackedSocket } from '../../../smc/socket-tracker.ts';
import { STATE_LISTEN } from '../../../smc/sockets.ts';
import { nextTick, SocketFollower } from '../follow.ts';
import type { SmcssOptions } from '../options.ts';
import { filterOf, isWanted } from '../selection.ts';
import { jsonWriter } from './json.ts';
import { type EventRecord, missed, type RecordWriter, timesOfDay } from './records.ts';
import { textWriter } from './text.ts';
import { EventTrace } from './trace.ts';

/** Without --processes, reading the owners takes at most this share of the time. */
const OWNERS_SHARE = 0.05;

/** Prints what happens until a signal ends it. */
export async function printEvents(
  context: Context,
  options: SmcssOptions,
  words: readonly string[],
): Promise<number> {
  const filter = await filterOf(context, words, options);
  const events = new EventLoop(context, options, filter);
  // for Ctrl-\, and for a second Ctrl-C
  const release = cleanUpOnSignal(() => events.remove());
  try {
    await untilInterrupted((stop) => events.run(stop));
  } finally {
    await events.close();
    release();
  }
  return 0;
}

class EventLoop {
  readonly #context: Context;
  readonly #options: SmcssOptions;
  readonly #filter: SocketFilter | undefined;
  readonly #seconds: number;
  /** what every list has to tell */
  readonly #needs: ReadonlySet<FilterNeed>;
  readonly #write: RecordWriter;
  readonly #follower: SocketFollower;
  readonly #events = new SocketEvents();
  /** what else the trace has told since the last list */
  #told: (TracedLinkDown | TracedLoss)[] = [];
  #trace: EventTrace | undefined;
  /** when the owners may be read again without --processes; milliseconds of `performance.now()` */
  #ownersDue = 0;
  #isUnknownTold = false;
  #records = 0;

  constructor(context: Context, options: SmcssOptions, filter: SocketFilter | undefined) {
    this.#context = context;
    this.#options = options;
    this.#filter = filter;
    this.#seconds = options.events!;
    const needs = new Set(filter?.needs);
    // owners are read only when there are new sockets
    needs.delete('ownership');
    const isEverywhere = Boolean(options.allNetns);
    if (isEverywhere) needs.add('netns');
    this.#needs = needs;
    this.#write = options.json ? jsonWriter(isEverywhere) : textWriter(context.paint, isEverywhere);
    this.#follower = new SocketFollower(context);
  }

  async run(stop: AbortSignal): Promise<void> {
    await this.#begin();
    for (let due = performance.now(); ; ) {
      due = nextTick(due, performance.now(), this.#seconds);
      await pause(due - performance.now(), stop);
      if (stop.aborted) return this.#end();
      await this.#tick();
    }
  }

  async #begin(): Promise<void> {
    // the first list loads the module that has the tracepoints
    await this.#follower.list(this.#needs);
    this.#trace = new EventTrace(this.#context, Boolean(this.#options.allNetns), (event) => {
      if (event.kind === 'fallback') this.#events.add(event);
      else this.#told.push(event);
    });
    // what has begun meanwhile was there before
    const { remark } = await this.#follower.list(this.#needs);
    const { tracker } = this.#follower;
    const owners = this.#readOwners();
    await this.#trace.catchUp();
    this.#events.begin(tracker.sockets(), owners, this.#sides());
    this.#told = [];
    remark();
    const { why } = this.#trace;
    const start = { seconds: this.#seconds, withoutTrace: why };
    const reason = why === undefined ? '' : `: ${why}`;
    this.#context.note(
      `the sockets are listed every ${this.#seconds} s, which misses ${missed(start)}${reason}`,
    );
    let sockets = 0;
    for (const { socket } of tracker.sockets()) if (this.#isWanted(socket)) sockets++;
    this.#print([{ kind: 'start', at: performance.now(), ...start, sockets }]);
  }

  async #tick(): Promise<void> {
    const begin = performance.now();
    const list = await this.#follower.list(this.#needs);
    const end = performance.now();
    await this.#trace?.catchUp();
    const wantsOwners = SocketEvents.needsOwners(list) && this.#mayReadOwners();
    const owners = wantsOwners ? this.#readOwners() : undefined;
    const happened = this.#events.take(list, {
      times: { begin, end },
      owners,
      sideOf: this.#sides(),
      cookieOf: (socket) => this.#trace?.cookieOf(socket),
    });
    this.#report(happened);
  }

  /** Prints what no list will show any more. */
  async #end(): Promise<void> {
    await this.#trace?.catchUp();
    this.#report(this.#events.rest());
    this.#print([{ kind: 'stop', at: performance.now(), records: this.#records - 1 }]);
  }

  #mayReadOwners(): boolean {
    const isAskedFor = this.#options.processes || this.#filter?.needs.has('ownership');
    return isAskedFor || performance.now() >= this.#ownersDue;
  }

  #readOwners(): SocketOwners {
    const begin = performance.now();
    const owners = new SocketOwners(this.#context.hostRoot);
    const end = performance.now();
    this.#ownersDue = end + (end - begin) / OWNERS_SHARE;
    if (this.#options.processes && owners.unreadable > 0 && !this.#isUnknownTold) {
      const { why, hint } = whyUnknown(owners);
      this.#context.note(`the owners of some sockets are unknown: ${why}`, hint);
      this.#isUnknownTold = true;
    }
    return owners;
  }

  #report(happened: readonly ConnectionEvent[]): void {
    for (const { netnsCookie, socket } of happened) {
      const netns = netnsCookie === undefined ? undefined : this.#trace?.namespaceOf(netnsCookie);
      if (netns) socket.netns = netns;
    }
    const isSelected = ({ socket, before }: ConnectionEvent): boolean =>
      this.#isWanted(socket) || (before !== undefined && this.#isWanted(before));
    const records = [...happened.filter(isSelected), ...this.#takeTold()];
    this.#print(records.sort((one, other) => one.at - other.at));
  }

  #takeTold(): EventRecord[] {
    const told = this.#told;
    this.#told = [];
    return told.map((event) =>
      event.kind === 'lost' ? event : { ...event, netns: this.#trace?.namespaceOf(event.netnsCookie) },
    );
  }

  #isWanted(socket: SeenSocket): boolean {
    return isWanted(socket, this.#options, this.#filter);
  }

  /** Tells the side of a connection by the ports that listen in its namespace, which are looked for when they are needed. */
  #sides(): (socket: SeenSocket) => ConnectionSide | undefined {
    let listening: Map<number, Set<number>> | undefined;
    return (socket) => {
      listening ??= listeningPortsOf(this.#follower.tracker.sockets());
      return connectionSide(socket, listening.get(socket.netns?.inode ?? 0) ?? new Set());
    };
  }

  #print(records: readonly EventRecord[]): void {
    this.#records += records.length;
    const timeOf = timesOfDay();
    for (const record of records) this.#context.io.write(`${this.#write(record, timeOf)}\n`);
    this.#context.io.flush();
  }

  async close(): Promise<void> {
    await this.#trace?.close();
  }

  /** Removes the trace at once: the process is about to end. */
  remove(): void {
    this.#trace?.remove();
  }
}

/** By inode of the namespace, the ports on which sockets listen. */
function listeningPortsOf(sockets: Iterable<TrackedSocket>): Map<number, Set<number>> {
  const listening = new Map<number, Set<number>>();
  for (const { socket } of sockets) {
    if (socket.state !== STATE_LISTEN) continue;
    const inode = socket.netns?.inode ?? 0;
    const ports = listening.get(inode) ?? new Set();
    listening.set(inode, ports.add(socket.local.port));
  }
  return listening;
}
