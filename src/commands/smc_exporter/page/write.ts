// SPDX-License-Identifier: MIT
/** `--page FILE`: the page as a file, which says what was so at one moment and needs no server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { builtAssets } from './assets.ts';
import { History } from './history.ts';
import { type LookOptions, PageLook } from './look.ts';
import { overviewOf } from './overview.ts';
import { renderPage } from './render.ts';
import type { Seen } from './seen.ts';

/** Between the two readings that rates take. */
const BETWEEN_MS = 1000;

/**
 * Makes the page. Of a running system it takes two readings and a second, so that there are rates.
 * @returns the document
 */
export async function pageText(options: LookOptions): Promise<string> {
  const look = new PageLook(options);
  const history = new History();
  const add = (seen: Seen): ReturnType<History['add']> =>
    history.add({
      at: seen.at,
      clock: seen.clock,
      open: seen.sockets.value?.summary.connections,
      statistics: seen.host.statistics.value?.statistics,
    });
  let seen = await look.take();
  let increase = add(seen);
  if (!options.isRecorded) {
    await sleep(BETWEEN_MS);
    seen = await look.take();
    increase = add(seen);
    await look.settle();
  }
  const overview = overviewOf(seen, history, increase);
  // two points are no chart
  return renderPage(overview, { assets: builtAssets, history: [], isLive: false });
}
