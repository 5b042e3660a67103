// SPDX-License-Identifier: MIT
/** --watch without a terminal: a table for each list, or a JSON document in a line. */
import { pause, untilInterrupted } from '../../../cli/interrupt.ts';
import type { Context } from '../../../cli/run.ts';
import type { SocketWatchDocument, SocketWatched } from '../../../documents/smcss.ts';
import { JsonRows, type Made } from '../../../output/document.ts';
import { tableLines } from '../../../output/fold.ts';
import type { TrackedSocket } from '../../../smc/socket-tracker.ts';
import { rowWithAdditions, withAdditions } from '../additions.ts';
import { columnsFor } from '../columns.ts';
import { type FollowedList, SocketFollower } from '../follow.ts';
import type { SmcssOptions } from '../options.ts';
import { rateText } from '../rates.ts';
import { isWanted } from '../selection.ts';
import { type Mark, type Picture, pictureOf, sorted } from './picture.ts';
import { eachTick } from './ticks.ts';
import type { WatchGiven } from './watch.ts';

/** Prints until it is stopped. @throws what a list throws */
export async function watchPlainly(
  context: Context,
  options: SmcssOptions,
  given: WatchGiven,
): Promise<void> {
  const { io } = context;
  const { json } = options;
  const follower = new SocketFollower(context, { link: json || options.smcr, dmb: json || options.smcd });
  const needs = given.needs(given.filter);
  const print = json ? documentPrinter(context, options) : tablePrinter(context, options);
  let last: FollowedList | undefined;
  await untilInterrupted((stop) =>
    eachTick(
      follower,
      {
        seconds: given.seconds,
        isOver: () => stop.aborted,
        async wait(ms) {
          await pause(ms, stop);
          return true;
        },
      },
      async () => {
        const list = await follower.list(needs);
        last = list;
        const picture = pictureOf(follower.tracker, list, (socket) =>
          isWanted(socket, options, given.filter),
        );
        print({ ...picture, sockets: sorted(picture, given.sort) });
        io.flush();
      },
    ),
  );
  last?.remark();
}

/** Whole seconds and their thousandths, in UTC. */
const timeText = (at: Date): string => at.toISOString();

function tablePrinter({ io, paint }: Context, options: SmcssOptions): (picture: Picture) => void {
  const columns = withAdditions(columnsFor(options), { ...options, rates: options.watch });
  const table = tableLines(columns, paint, io.columns);
  let isFirst = true;
  return ({ at, sockets, marks, summary, traffic, interrupted }) => {
    const { connections, smcr, smcd } = summary.connections;
    const sign = traffic.unknown > 0 ? '>' : '';
    const facts = [
      `connections ${connections}`,
      `over SMC ${smcr + smcd}`,
      `RX ${sign}${rateText(traffic.rx)} B/s`,
      `TX ${sign}${rateText(traffic.tx)} B/s`,
      ...(interrupted ? ['incomplete'] : []),
    ];
    io.write(`${isFirst ? '' : '\n'}${timeText(at)}  ${facts.join('  ')}\n`);
    isFirst = false;
    if (!options.noHeader) io.write(`${table.header}\n`);
    for (const tracked of sockets)
      if (marks.get(tracked) !== 'gone') io.write(`${table.row(tracked.socket)}\n`);
  };
}

function documentPrinter({ io }: Context, options: SmcssOptions): (picture: Picture) => void {
  const rowOf = rowWithAdditions({ ...options, rates: options.watch });
  const watchedRow = (tracked: TrackedSocket, marks: Picture['marks']) => ({
    ...rowOf(tracked.socket),
    watched: watchedJson(tracked, marks.get(tracked)),
  });
  return ({ at, sockets, marks, traffic, interrupted }) => {
    const document = new JsonRows<SocketWatchDocument, 'sockets'>((text) => io.write(text), 'sockets');
    const gone: TrackedSocket[] = [];
    for (const tracked of sockets)
      if (marks.get(tracked) === 'gone') gone.push(tracked);
      else document.row(watchedRow(tracked, marks));
    document.end({
      gone: gone.map((tracked) => watchedRow(tracked, marks)),
      time: timeText(at),
      rates: {
        rx_bytes_per_second: Math.round(traffic.rx),
        tx_bytes_per_second: Math.round(traffic.tx),
        unknown: traffic.unknown,
      },
      complete: !interrupted,
    });
  };
}

function watchedJson(tracked: TrackedSocket, mark: Mark | undefined): Made<SocketWatched> {
  const { firstSeenAt, lastSeenAt, fromStart, rxBytes, txBytes } = tracked;
  return {
    seconds: Math.round(lastSeenAt - firstSeenAt) / 1000,
    from_start: fromStart,
    rx_bytes: rxBytes ?? null,
    tx_bytes: txBytes ?? null,
    change: mark ?? null,
  };
}
