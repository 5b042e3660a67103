// SPDX-License-Identifier: MIT
/** smcss --rates: how fast each connection moves data. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../cli/run.ts';
import type { SeenSocket } from '../../smc/seen-socket.ts';
import { SocketRates } from '../../smc/socket-rates.ts';
import { type Batch, probeAfter, readAll, WHERE } from './follow.ts';
import type { SmcssOptions } from './options.ts';
import { openList } from './selection.ts';

/**
 * Lists the sockets twice, and returns when the last list is due, which the caller makes.
 * @param seconds from the first list to the last
 * @returns adds the rates to the sockets of that list
 */
export async function startRates(
  context: Context,
  { allNetns }: SmcssOptions,
  seconds: number,
): Promise<(sockets: readonly SeenSocket[]) => void> {
  context.io.flush();
  const rates = new SocketRates();
  const list = async (take: (socket: SeenSocket, now: number) => void): Promise<number> => {
    const sockets = await openList(context, { connection: true }, WHERE[allNetns ? 'all' : 'here'], 'later');
    let end = performance.now();
    await readAll(sockets, (batch: Batch, now) => {
      end = now;
      for (const socket of batch) take(socket, now);
    });
    return end;
  };
  const begin = await list((socket, now) => rates.add(socket, now));
  await waitUntil(begin + probeAfter(seconds));
  await list((socket, now) => rates.probe(socket, now));
  await waitUntil(begin + 1000 * seconds);
  return (sockets) => {
    const now = performance.now();
    for (const socket of sockets) socket.traffic = rates.measure(socket, now);
  };
}

async function waitUntil(due: number): Promise<void> {
  for (let left = due - performance.now(); left > 0; left = due - performance.now()) await sleep(left);
}
