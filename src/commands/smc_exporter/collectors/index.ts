// SPDX-License-Identifier: MIT
/** All collectors, in the order of their metrics; and what is said of a scrape itself. */

import { isNotThere, isOfHost, type Outcome, type Reading, type ReadingPart } from '../../../smc/reading.ts';
import type { HostAndNamespaces } from '../../../smc/reading-namespaces.ts';
import { NotListed } from '../../../smc/reading-sockets.ts';
import { version } from '../../../version.ts';
import { gauge, type Metric, Samples } from '../metric.ts';
import type { CollectorName } from '../options.ts';
import { type CollectOptions, type Collector, valuesOf } from './collector.ts';
import { devices } from './devices.ts';
import { handshakes } from './handshakes.ts';
import { checks, kernel } from './kernel.ts';
import { linkgroups } from './linkgroups.ts';
import { eids, pnet, settings } from './settings.ts';
import { protocols, socketList } from './sockets.ts';
import { traffic } from './traffic.ts';

export const COLLECTORS: readonly Collector[] = [
  handshakes,
  traffic,
  protocols,
  socketList,
  linkgroups,
  devices,
  pnet,
  eids,
  settings,
  kernel,
  checks,
];

const success = gauge({
  name: 'smc_scrape_collector_success',
  help: '1 if the collector got an answer, 0 if it failed or the time was over. That the kernel has no SMC is an answer.',
  labels: ['collector'],
});

const duration = gauge({
  name: 'smc_scrape_collector_duration_seconds',
  help: 'How long the collector waited for its answers; not for a recorded host.',
  labels: ['collector'],
});

const skipped = gauge({
  name: 'smc_scrape_collector_skipped',
  help: '1 if the collector is on but did nothing this time: there are too many sockets, or the kernel can crash.',
  labels: ['collector'],
});

const missingNamespaces = gauge({
  name: 'smc_scrape_namespaces_missing',
  help: 'Network namespaces that could not be looked at; with `--all-netns`.',
});

const build = gauge({
  name: 'smc_exporter_build_info',
  help: 'Always 1. The labels are the versions of this program and of its Node.',
  labels: ['version', 'nodeversion'],
});

/** Metrics that belong to no collector. */
export const SCRAPE_METRICS: readonly Metric[] = [
  success as Metric,
  duration as Metric,
  skipped as Metric,
  missingNamespaces as Metric,
  build as Metric,
];

/** The parts of a reading that collectors need. */
export function partsFor(collectors: readonly Collector[]): Set<ReadingPart> {
  return new Set(collectors.flatMap(({ needs }) => needs));
}

/** The metrics of what was seen. */
export function samplesOf(
  seen: HostAndNamespaces,
  collectors: readonly Collector[],
  options: CollectOptions,
): Samples {
  const { own, namespaces, missing } = seen;
  const samples = new Samples();
  const isEverywhere = namespaces.length > 0;
  for (const collector of collectors) {
    const ofHost = collector.needs.filter(isOfHost);
    const others = collector.needs.filter((part) => !isOfHost(part));
    if (!isEverywhere) collector.collect(valuesOf(own, collector.needs), samples, options);
    else {
      if (ofHost.length > 0) collector.collect(valuesOf(own, ofHost), samples, options);
      for (const { label, reading } of others.length > 0 ? namespaces : [])
        collector.collect(valuesOf(reading, others), samples.with({ netns: label }), options);
    }
  }
  const readings = readingsOf(seen);
  for (const collector of collectors) addOutcome(samples, collector, readings, options);
  if (isEverywhere) samples.add(missingNamespaces, missing);
  samples.add(build, 1, { version, nodeversion: process.versions.node });
  return samples;
}

/** Why collectors have no answer, in a few words each. */
export function failuresOf(
  seen: HostAndNamespaces,
  collectors: readonly Collector[],
): { collector: CollectorName; why: string }[] {
  const readings = readingsOf(seen);
  return collectors.flatMap((collector) => {
    const reasons = outcomesOf(collector, readings).flatMap((outcome) =>
      isFailure(outcome) ? [outcome.why] : [],
    );
    return [...new Set(reasons)].map((why) => ({ collector: collector.name, why }));
  });
}

const readingsOf = ({ own, namespaces }: HostAndNamespaces): readonly Reading[] =>
  namespaces.length > 0 ? namespaces.map(({ reading }) => reading) : [own];

const outcomesOf = ({ needs }: Collector, readings: readonly Reading[]): Outcome<unknown>[] =>
  readings.flatMap((reading) => needs.flatMap((part) => (reading[part] ? [reading[part]] : [])));

const isFailure = (outcome: Outcome<unknown>): outcome is Outcome<never> & { why: string } =>
  'why' in outcome && !isNotThere(outcome);

function addOutcome(
  samples: Samples,
  collector: Collector,
  readings: readonly Reading[],
  { isRecorded }: CollectOptions,
): void {
  const { name, needs } = collector;
  const outcomes = outcomesOf(collector, readings);
  const wasSkipped = outcomes.some((outcome) => 'why' in outcome && outcome.error instanceof NotListed);
  samples.add(success, !outcomes.some(isFailure), { collector: name });
  const seconds = Math.max(0, ...outcomes.map((outcome) => outcome.seconds));
  samples.add(duration, isRecorded ? undefined : seconds, { collector: name });
  if (needs.includes('sockets')) samples.add(skipped, wasSkipped, { collector: name });
}
