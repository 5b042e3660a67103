// SPDX-License-Identifier: MIT
/**
 * Readings for those who look at the page: every few seconds while somebody does, and otherwise only as often as the history
 * needs it.
 */
import type { OverviewDocument } from '../../../documents/smc_exporter-page.ts';
import { shared } from '../shared.ts';
import { chartPoint, History } from './history.ts';
import { overviewOf } from './overview.ts';
import type { Seen } from './seen.ts';

/** Times in milliseconds. */
export interface WatchTimes {
  /** between readings while somebody watches */
  watched: number;
  /** between the first two of them: rates take two */
  first: number;
  /** between readings while nobody does */
  alone: number;
}

const WATCH_TIMES: WatchTimes = { watched: 5_000, first: 1_000, alone: 60_000 };

/** A reading as the page shows it. */
export interface Shown {
  overview: OverviewDocument;
  /** when it was taken, in milliseconds of a clock that nobody sets */
  clock: number;
}

type Watcher = (overview: OverviewDocument) => void;

export class Watch {
  readonly #look: () => Promise<Seen>;
  readonly #times: WatchTimes;
  readonly #history = new History();
  readonly #watchers = new Set<Watcher>();
  #last: Shown | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(look: () => Promise<Seen>, times = WATCH_TIMES) {
    this.#look = look;
    this.#times = times;
  }

  /** Begins the history. Until then nothing is read unless somebody asks. */
  start(): void {
    this.#schedule(0);
  }

  get points(): ReturnType<typeof chartPoint>[] {
    return this.#history.points.map(chartPoint);
  }

  /** Readings under way are shared, and one that is young enough is taken again. @throws what the look throws */
  async now(): Promise<OverviewDocument> {
    const last = this.#last;
    if (last && performance.now() - last.clock < this.#times.watched) return last.overview;
    return (await this.#read()).overview;
  }

  /**
   * Calls with each reading from now on, and with the last one at once, if there is one.
   * @returns ends that
   */
  follow(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    if (this.#last) watcher(this.#last.overview);
    if (this.#watchers.size === 1) this.#schedule(this.#last ? this.#times.first : 0);
    return () => {
      if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.#schedule(this.#times.alone);
    };
  }

  /** No reading begins after this. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#tick(), ms);
  }

  async #tick(): Promise<void> {
    let hasRates = true;
    try {
      hasRates = (await this.#read()).overview.traffic !== null;
    } catch {
      // whoever asks for the page is told; the next reading may succeed
    }
    const { watched, first, alone } = this.#times;
    if (this.#watchers.size === 0) this.#schedule(alone);
    else this.#schedule(hasRates ? watched : first);
  }

  readonly #read = shared(() => this.#take());

  async #take(): Promise<Shown> {
    const seen = await this.#look();
    const statistics = seen.host.statistics.value?.statistics;
    const open = seen.sockets.value?.summary.connections;
    const increase = this.#history.add({
      at: seen.at,
      clock: seen.clock,
      open: open && { smcr: open.smcr, smcd: open.smcd, tcp: open.tcp },
      statistics,
    });
    const shown = { overview: overviewOf(seen, this.#history, increase), clock: performance.now() };
    this.#last = shown;
    for (const watcher of this.#watchers) watcher(shown.overview);
    return shown;
  }
}
