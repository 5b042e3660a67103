// SPDX-License-Identifier: MIT
/** The stream of readings. The browser connects anew by itself, unless the server refuses. */
import type { OverviewDocument } from '../../../../documents/smc_exporter-page.ts';
import type { ChartPoint } from '../chart-points.ts';

export interface Connection {
  onHistory(points: readonly ChartPoint[]): void;
  onReading(overview: OverviewDocument): void;
  /** @param text what to tell the reader */
  onLost(text: string): void;
}

/** After a refusal, in milliseconds. */
const AGAIN_MS = 10_000;

/** Readings come every few seconds; a connection that is silent for so long is gone without having been closed. */
const SILENCE_MS = 30_000;

export function follow(url: URL, connection: Connection): void {
  const source = new EventSource(url);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const again = (): void => {
    source.close();
    follow(url, connection);
  };
  const isAlive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      connection.onLost(lost());
      again();
    }, SILENCE_MS);
  };
  isAlive();
  source.addEventListener('history', ({ data }) => connection.onHistory(JSON.parse(data)));
  source.addEventListener('reading', ({ data }) => {
    isAlive();
    connection.onReading(JSON.parse(data));
  });
  source.addEventListener('error', () => {
    clearTimeout(timer);
    connection.onLost(lost());
    if (source.readyState === EventSource.CLOSED) setTimeout(again, AGAIN_MS);
    else isAlive();
  });
}

const lost = (): string => 'not connected: what is below is old; trying again';
