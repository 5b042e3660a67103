// SPDX-License-Identifier: MIT
/** smcss --rates: how fast each connection moves data. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../cli/run.ts';
import type { SocketRates as RatesDocument, SocketRow } from '../../documents/smcss.ts';
import type { Made } from '../../output/document.ts';
import { abbreviate } from '../../output/numbers.ts';
import { documentColumns } from '../../output/table.ts';
import type { SeenSocket } from '../../smc/seen-socket.ts';
import { SocketRates, type Traffic } from '../../smc/socket-rates.ts';

/** Between the first two lists: as a rule this long, and not more than a quarter of the whole time. */
const SHORT_MS = 100;

/**
 * Lists the sockets twice, and returns when the last list is due.
 * @param seconds from the first list to the last
 * @returns adds the rates to the sockets of that list
 */
export async function startRates(
  { io, client }: Context,
  seconds: number,
): Promise<(sockets: SeenSocket[]) => void> {
  io.flush();
  const rates = new SocketRates();
  const list = async (): Promise<number> => {
    let now = performance.now();
    for await (const batch of (await client()).socketBatches({ connection: true })) {
      now = performance.now();
      for (const socket of batch) rates.add(socket, now);
    }
    return now;
  };
  const begin = await list();
  await waitUntil(begin + Math.min(SHORT_MS, 250 * seconds));
  await list();
  await waitUntil(begin + 1000 * seconds);
  return (sockets) => {
    const now = performance.now();
    for (const socket of sockets) socket.traffic = rates.measure(socket, now);
  };
}

async function waitUntil(due: number): Promise<void> {
  for (let left = due - performance.now(); left > 0; left = due - performance.now()) await sleep(left);
}

const rateText = (rate: number | undefined): string => (rate === undefined ? '?' : abbreviate(whole(rate)));
const whole = (rate: number): bigint => BigInt(Math.round(rate));
const percent = (share: number): string => `${Math.round(100 * share)}%`;

/** Characters of a rate. */
const WIDTH = 6;

/** A column of the traffic; what is no SMC connection has a dash, one that was not there at first a question mark. */
const trafficColumn = (header: string, text: (traffic: Traffic) => string) => ({
  header: header.padStart(WIDTH).padEnd(WIDTH + 1),
  text: ({ traffic, attributes: { connection } }: SeenSocket) =>
    `${(connection ? (traffic ? text(traffic) : '?') : '-').trimStart().padStart(WIDTH)} `,
});

const ratesJson = ({ seconds, rx, tx, fill, rxBlocked, txBlocked }: Traffic): Made<RatesDocument> => ({
  seconds,
  rx_bytes_per_second: rx === undefined ? null : Math.round(rx),
  tx_bytes_per_second: tx === undefined ? null : Math.round(tx),
  rx_buffer_fill: fill,
  rx_writer_blocked: rxBlocked,
  tx_writer_blocked: txBlocked,
});

export const rateColumns = documentColumns<SeenSocket, Required<Pick<SocketRow, 'rates'>>>()([
  trafficColumn('RX-B/s', ({ rx }) => rateText(rx)),
  trafficColumn('TX-B/s', ({ tx }) => rateText(tx)),
  trafficColumn('Filled', ({ fill }) => percent(fill)),
  trafficColumn('RX-blk', ({ rxBlocked }) => percent(rxBlocked)),
  trafficColumn('TX-blk', ({ txBlocked }) => percent(txBlocked)),
  { key: 'rates', json: ({ traffic }) => (traffic ? ratesJson(traffic) : null) },
]);
