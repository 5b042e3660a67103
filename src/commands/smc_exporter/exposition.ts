// SPDX-License-Identifier: MIT
/**
 * The formats of a scrape. prom-client writes them; its own counters and histograms are for programs that count
 * themselves, and take no values that somebody else has counted, so it gets ready samples.
 */
import Registry from 'prom-client/lib/registry.js';
import type { Metric, Sample, Samples } from './metric.ts';

export type Format = 'text' | 'openmetrics';

/** The value of the header Content-Type. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
};

/** The scrape as text. Metrics without a value are left out. */
export function exposition(samples: Samples, format: Format): Promise<string> {
  const registry = new Registry(CONTENT_TYPES[format]);
  for (const [metric, values] of samples.byMetric) registry.registerMetric(ready(metric, values));
  return registry.metrics();
}

/** A metric as prom-client's registry sees it. It may change the name. */
function ready({ name, help, type }: Metric, samples: readonly Sample[]): Registry.ReadyMetric {
  const values = samples.map(({ name: metricName, labels, value }) => ({
    labels,
    value,
    ...(metricName !== undefined && { metricName }),
  }));
  return {
    name,
    type,
    get() {
      // backticks are for the man page
      return { name: this.name, help: help.replaceAll('`', ''), type, values };
    },
  };
}

/**
 * The format that a client prefers, by the header Accept. As in other exporters, OpenMetrics only if it is asked for.
 * @param accept for example "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5"
 */
export function preferredFormat(accept: string | undefined): Format {
  let best: { format: Format; quality: number } = { format: 'text', quality: 0 };
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((word) => word.trim().toLowerCase());
    const format = FORMATS[type];
    const version = parameterOf(parameters, 'version');
    if (!format || (format === 'openmetrics' && version !== undefined && !/^1\.|^0\.0\.1$/.test(version)))
      continue;
    const quality = Number(parameterOf(parameters, 'q') ?? 1);
    if (quality > best.quality) best = { format, quality };
  }
  return best.format;
}

const FORMATS: Readonly<Record<string, Format>> = {
  'application/openmetrics-text': 'openmetrics',
  'text/plain': 'text',
  'text/*': 'text',
  '*/*': 'text',
};

function parameterOf(parameters: readonly string[], name: string): string | undefined {
  const parameter = parameters.find((parameter) => parameter.startsWith(`${name}=`));
  return parameter?.slice(name.length + 1).replace(/^"(.*)"$/, '$1');
}
