// SPDX-License-Identifier: MIT
/** Metrics: how they are declared, and the values of one scrape. The text that becomes of them is made in exposition.ts. */
import { printable } from '../../output/printable.ts';

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** A metric as it is declared, once. The table of metrics in smc_exporter(8) is made of these. */
export interface Metric<Label extends string = string> {
  /** by the conventions of Prometheus */
  readonly name: string;
  readonly type: MetricType;
  /** whole sentences */
  readonly help: string;
  readonly labels: readonly Label[];
}

type Declaration<Label extends string> = {
  name: string;
  help: string;
  labels?: readonly Label[];
};

const declare =
  (type: MetricType) =>
  <const Label extends string = never>({ name, help, labels = [] }: Declaration<Label>): Metric<Label> => ({
    name,
    type,
    help,
    labels,
  });

/** Only grows, until what counts it starts again. Its name ends in `_total`. */
export const counter = declare('counter');
/** Can go up and down. */
export const gauge = declare('gauge');
/** Observations by size, with `_bucket` series. */
export const histogram = declare('histogram');

/** Values of labels. */
export type Labels<Label extends string = string> = Readonly<Record<Label, string>>;

export interface Sample {
  /** where it differs from the name of the metric, as in `_bucket` */
  name?: string;
  labels: Labels;
  value: number;
}

/** What one class of a histogram counted. */
export interface SizeClass {
  /** upper limit; `undefined` for none */
  upTo: number | undefined;
  count: bigint;
}

type Value = number | bigint | boolean;

/** The values of one scrape, by metric, in the order in which they were added. */
export class Samples {
  readonly byMetric = new Map<Metric, Sample[]>();
  readonly #common: Labels;

  /** @param common labels of all values that are added */
  constructor(common: Labels = {}) {
    this.#common = common;
  }

  /** The same values, with more labels for what is added through it. */
  with(common: Labels): Samples {
    const samples = new Samples({ ...this.#common, ...common });
    Object.defineProperty(samples, 'byMetric', { value: this.byMetric });
    return samples;
  }

  /** Adds a value. One that the kernel does not tell (`undefined`) is left out. */
  add<Label extends string>(
    metric: Metric<Label>,
    value: Value | undefined,
    ...[labels]: [Label] extends [never] ? [] : [Labels<Label>]
  ): void {
    if (value === undefined) return;
    this.#push(metric, { labels: this.#labels(labels), value: Number(value) });
  }

  /**
   * Adds a histogram from the counts of its classes.
   * @param sum of all observations; `undefined` if it is not known
   */
  addHistogram<Label extends string>(
    metric: Metric<Label>,
    classes: readonly SizeClass[],
    sum: bigint | undefined,
    labels: Labels<Label>,
  ): void {
    const own = this.#labels(labels);
    let total = 0n;
    for (const { upTo, count } of classes) {
      total += count;
      const le = upTo === undefined ? '+Inf' : String(upTo);
      this.#push(metric, { name: `${metric.name}_bucket`, labels: { ...own, le }, value: Number(total) });
    }
    if (sum !== undefined)
      this.#push(metric, { name: `${metric.name}_sum`, labels: own, value: Number(sum) });
    this.#push(metric, { name: `${metric.name}_count`, labels: own, value: Number(total) });
  }

  /** Names from kernel, peers and processes are made harmless here. */
  #labels(labels: Labels | undefined): Labels {
    const all: Record<string, string> = { ...this.#common };
    for (const [name, value] of Object.entries(labels ?? {})) all[name] = printable(value);
    return all;
  }

  #push(metric: Metric, sample: Sample): void {
    const samples = this.byMetric.get(metric);
    if (samples) samples.push(sample);
    else this.byMetric.set(metric, [sample]);
  }
}
