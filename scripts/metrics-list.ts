// SPDX-License-Identifier: MIT
/** Writes the table of metrics of smc_exporter(8) from their declarations. */
import { COLLECTORS, SCRAPE_METRICS } from '../src/commands/smc_exporter/collectors/index.ts';
import type { Metric } from '../src/commands/smc_exporter/metric.ts';
import { type Names, prose } from './mdoc.ts';

/**
 * A subsection for each collector, with an item for each metric.
 * @param sections of the page
 */
export function metricsList(page: string, sections: ReadonlySet<string>): string[] {
  const names: Names = { page, sections, fields: new Set() };
  return [
    ...COLLECTORS.flatMap(({ name, about, metrics }) => [
      `.Ss Collector ${name}`,
      ...prose(about, names),
      ...items(metrics, names),
    ]),
    '.Ss Every scrape',
    ...items(SCRAPE_METRICS, names),
  ];
}

function items(metrics: readonly Metric[], names: Names): string[] {
  return [
    '.Bl -tag -width Ds',
    ...metrics.flatMap(({ name, type, labels, help }) => [
      `.It Sy ${name} Pq ${[type, ...labels].join(', ')}`,
      ...prose(help, names),
    ]),
    '.El',
  ];
}
