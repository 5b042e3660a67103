// SPDX-License-Identifier: MIT
import type { HostReading, NamespaceReading, Reading, ReadingPart } from '../../../smc/reading.ts';
import type { Metric, Samples } from '../metric.ts';
import type { CollectorName } from '../options.ts';

/** What a collector gets: the parts that it needs, as far as the kernel has told them. */
export type Values<P extends ReadingPart> = {
  readonly [K in P]: (HostReading & NamespaceReading)[K] | undefined;
};

/** A subject of metrics, which can be switched on and off. */
export interface Collector {
  name: CollectorName;
  /** what it is about, for the man page: whole sentences */
  about: string;
  onByDefault: boolean;
  needs: readonly ReadingPart[];
  metrics: readonly Metric[];
  collect(values: Values<ReadingPart>, samples: Samples, options: CollectOptions): void;
}

/** What the command line says about the values. */
export interface CollectOptions {
  /** how many units or commands are listed */
  top: number;
  /** the host is a recording, which took no time */
  isRecorded: boolean;
}

/** Defines a collector. Metrics without a value are left out, as are all that need a part that was not seen. */
export function defineCollector<const P extends ReadingPart>(
  definition: Omit<Collector, 'needs' | 'collect'> & {
    needs: readonly P[];
    collect(values: Values<P>, samples: Samples, options: CollectOptions): void;
  },
): Collector {
  return definition as unknown as Collector;
}

/** The values of a reading. */
export function valuesOf(reading: Reading, parts: readonly ReadingPart[]): Values<ReadingPart> {
  return Object.fromEntries(parts.map((part) => [part, reading[part]?.value])) as Values<ReadingPart>;
}
