// SPDX-License-Identifier: MIT
/** --once: prints the metrics, and on standard error why some are missing. */
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { SmcExporterDocument } from '../../documents/smc_exporter.ts';
import type { Made } from '../../output/document.ts';
import { exposition } from './exposition.ts';
import type { Metric, Sample } from './metric.ts';
import type { ExporterOptions } from './options.ts';
import type { Scraper } from './scrape.ts';

export async function printOnce(
  context: Context,
  scraper: Scraper,
  { json }: Pick<ExporterOptions, 'json'>,
): Promise<void> {
  const seen = await scraper.read();
  const samples = scraper.samples(seen);
  if (json) writeDocument<SmcExporterDocument>(context, { metrics: [...samples.byMetric].map(metricJson) });
  else context.io.write(await exposition(samples, 'text'));
  for (const { collector, why } of scraper.failures(seen)) context.note(`collector ${collector}: ${why}`);
}

const metricJson = ([metric, samples]: [Metric, readonly Sample[]]): Made<
  SmcExporterDocument['metrics'][number]
> => ({
  name: metric.name,
  type: metric.type,
  help: metric.help.replaceAll('`', ''),
  samples: samples.map(({ name = metric.name, labels, value }) => ({ name, labels, value })),
});
