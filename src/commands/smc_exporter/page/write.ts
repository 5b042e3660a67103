// SPDX-License-Identifier: MIT
/** --page: the page as a file, which says what was so at one moment and needs no server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { writeDocument } from '../../../cli/print.ts';
import type { Context } from '../../../cli/run.ts';
import type { OverviewDocument } from '../../../documents/smc_exporter-page.ts';
import { writeNamedFile } from '../../../host/safe-directory.ts';
import type { ExporterOptions } from '../options.ts';
import type { Scraper } from '../scrape.ts';
import { builtAssets } from './assets.ts';
import { History, type Increase } from './history.ts';
import { PageLook } from './look.ts';
import { overviewOf } from './overview.ts';
import { renderPage } from './render.ts';
import type { Seen } from './seen.ts';

/** Between the two readings that rates take. */
const BETWEEN_MS = 1000;

/** @param file `-` for standard output. @throws UntrustedError; Node's own error when it cannot be written */
export async function writePage(
  context: Context,
  scraper: Scraper,
  { json }: Pick<ExporterOptions, 'json'>,
  file: string,
): Promise<void> {
  const overview = await takeOverview(context, scraper);
  if (json && file === '-') return writeDocument<OverviewDocument>(context, overview);
  const text = json
    ? `${JSON.stringify(overview)}\n`
    : renderPage(overview, { assets: builtAssets, history: [], isLive: false });
  if (file === '-') context.io.write(text);
  else writeNamedFile(file, text);
}

/** Looks at a running system twice, a second apart, so that there are rates. */
async function takeOverview(
  { recordedAt, isRecorded }: Context,
  scraper: Scraper,
): Promise<OverviewDocument> {
  const look = new PageLook({ ...scraper, recordedAt });
  const history = new History();
  let seen: Seen | undefined;
  let increase: Increase | undefined;
  const take = async (): Promise<void> => {
    seen = await look.take();
    increase = history.add({
      at: seen.at,
      clock: seen.clock,
      open: seen.sockets.value?.summary.connections,
      statistics: seen.host.statistics.value?.statistics,
    });
  };
  await take();
  if (!isRecorded) {
    await sleep(BETWEEN_MS);
    await take();
    await look.settle();
  }
  return overviewOf(seen!, history, increase);
}
