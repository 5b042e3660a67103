// SPDX-License-Identifier: MIT
/** What the charts show. The server makes it of the history, the browser of each new overview. */
import type { OverviewDocument } from '../../../documents/smc_exporter-page.ts';

/** Seconds since 1970; open connections over SMC-R, SMC-D and TCP; bytes per second received and sent. */
export type ChartPoint = readonly [
  seconds: number,
  smcr: number | null,
  smcd: number | null,
  tcp: number | null,
  received: number | null,
  sent: number | null,
];

export function chartPointOf({ time, sockets, traffic }: OverviewDocument): ChartPoint {
  return [
    Math.round(Date.parse(time) / 1000),
    sockets?.smcr ?? null,
    sockets?.smcd ?? null,
    sockets?.tcp ?? null,
    traffic && traffic.smcr_rx_bytes_per_second + traffic.smcd_rx_bytes_per_second,
    traffic && traffic.smcr_tx_bytes_per_second + traffic.smcd_tx_bytes_per_second,
  ];
}
