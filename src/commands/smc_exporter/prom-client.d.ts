// SPDX-License-Identifier: MIT
/** The one file of prom-client that is used: the rest of the package would count for this process itself. */
declare module 'prom-client/lib/registry.js' {
  namespace Registry {
    /** What a registry writes of a metric. */
    interface ReadyMetric {
      name: string;
      type: string;
      get(): {
        name: string;
        help: string;
        type: string;
        values: { labels: Readonly<Record<string, string>>; value: number; metricName?: string }[];
      };
    }
  }

  class Registry {
    static readonly PROMETHEUS_CONTENT_TYPE: string;
    static readonly OPENMETRICS_CONTENT_TYPE: string;
    constructor(contentType: string);
    registerMetric(metric: Registry.ReadyMetric): void;
    metrics(): Promise<string>;
  }

  export default Registry;
}
