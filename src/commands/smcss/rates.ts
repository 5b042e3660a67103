// SPDX-License-Identifier: MIT
/** Columns for how fast each connection moves data. */
import type { SocketRates as RatesDocument, SocketRow } from '../../documents/smcss.ts';
import type { Made } from '../../output/document.ts';
import { abbreviate } from '../../output/numbers.ts';
import { documentColumns } from '../../output/table.ts';
import type { SeenSocket } from '../../smc/seen-socket.ts';
import type { Traffic } from '../../smc/socket-rates.ts';

/** Bytes per second in six characters at most; `?` if they are not known. */
export const rateText = (rate: number | undefined): string =>
  rate === undefined ? '?' : abbreviate(whole(rate));
const whole = (rate: number): bigint => BigInt(Math.round(rate));
export const percent = (share: number): string => `${Math.round(100 * share)}%`;

/** Characters of a rate. */
const WIDTH = 6;

/** A cell of the traffic; what is no SMC connection has a dash, one that was not there at first a question mark. */
export function trafficText(
  { traffic, attributes: { connection } }: SeenSocket,
  text: (traffic: Traffic) => string,
): string {
  return connection ? (traffic ? text(traffic) : '?') : '-';
}

const trafficColumn = (header: string, text: (traffic: Traffic) => string) => ({
  header: header.padStart(WIDTH).padEnd(WIDTH + 1),
  text: (socket: SeenSocket) => `${trafficText(socket, text).padStart(WIDTH)} `,
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
