// SPDX-License-Identifier: MIT
/** A scrape: one reading of the host, shared by all who ask meanwhile, and the metrics that follow from it. */
import type { Context } from '../../cli/run.ts';
import { findAddon } from '../../smc/native-parts.ts';
import { Reader, type Wanted } from '../../smc/reading.ts';
import { type HostAndNamespaces, readEverywhere, readHere } from '../../smc/reading-namespaces.ts';
import type { Collector } from './collectors/collector.ts';
import { COLLECTORS, failuresOf, partsFor, samplesOf } from './collectors/index.ts';
import type { Samples } from './metric.ts';
import { DEFAULT_TIMEOUT_S, DEFAULT_TOP, type ExporterOptions } from './options.ts';
import { shared } from './shared.ts';

/** With more sockets than this they are listed only if that is asked for. */
const MOST_SOCKETS = 10_000;

export interface Scraper {
  collectors: readonly Collector[];
  reader: Reader;
  /** how sockets are counted */
  sockets: Wanted['sockets'];
  /** the one reading that is under way, or a new one */
  read(): Promise<HostAndNamespaces>;
  /**
   * Runs something while no reading is under way that moves this thread to other network namespaces, and keeps such a
   * reading from beginning meanwhile.
   */
  atHome<T>(run: () => Promise<T>): Promise<T>;
  /** the metrics of a reading */
  samples(seen: HostAndNamespaces): Samples;
  /** collectors without an answer */
  failures(seen: HostAndNamespaces): { collector: string; why: string }[];
}

/** The collectors that options choose. */
function chosenCollectors({
  collector: on,
  noCollector: off,
}: Pick<ExporterOptions, 'collector' | 'noCollector'>): readonly Collector[] {
  return COLLECTORS.filter(
    ({ name, onByDefault }) => (onByDefault || on.includes(name)) && !off.includes(name),
  );
}

/** @throws SmcError NOT_SUPPORTED when namespaces cannot be entered, for want of the addon */
export function makeScraper(context: Context, options: ExporterOptions): Scraper {
  const { hostRoot: root, transport, isRecorded } = context;
  const collectors = chosenCollectors(options);
  const reader = new Reader({
    client: transport ? { transport } : {},
    root,
    timeoutMs: (options.timeout ?? DEFAULT_TIMEOUT_S) * 1000,
  });
  const sockets = {
    most: options.collector.includes('sockets') ? undefined : MOST_SOCKETS,
    by: [...new Set(options.by)],
    isRecorded,
  };
  const wanted: Wanted = { parts: partsFor(collectors), sockets };
  const addon = options.allNetns ? findAddon() : undefined;
  const turns = new Turns();
  const read = (): Promise<HostAndNamespaces> =>
    addon
      ? turns.take(() => readEverywhere(reader, wanted, (file) => addon.setNetworkNamespace(file)))
      : readHere(reader, wanted);
  const { top = DEFAULT_TOP } = options;
  return {
    collectors,
    reader,
    sockets,
    read: shared(read),
    atHome: (run) => (addon ? turns.take(run) : run()),
    samples: (seen) => samplesOf(seen, collectors, { top, isRecorded }),
    failures: (seen) => failuresOf(seen, collectors),
  };
}

/** One at a time, in the order in which they come. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run, run);
    this.#last = turn;
    return turn;
  }
}
