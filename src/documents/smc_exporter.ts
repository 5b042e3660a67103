// SPDX-License-Identifier: MIT
/** Output of `smc_exporter --once -j`. */

/**
 * The metrics of one scrape, in the order of the text format.
 * @title smc_exporter
 */
export interface SmcExporterDocument {
  /** metrics that have a value */
  metrics: ExportedMetric[];
}

/** A metric; see METRICS. */
export interface ExportedMetric {
  /** its name */
  name: string;
  /** its kind */
  type: 'counter' | 'gauge' | 'histogram';
  /** what it is, in whole sentences */
  help: string;
  /** its values */
  samples: ExportedSample[];
}

/** One value. */
export interface ExportedSample {
  /** name of the series: that of the metric, or for a histogram that with `_bucket`, `_sum` or `_count` */
  name: string;
  /** the labels by name */
  labels: Record<string, string>;
  /** the value; counters above 9007199254740992 are rounded, as they are in the other formats */
  value: number;
}
