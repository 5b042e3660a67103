// SPDX-License-Identifier: MIT
/** Looks at the host for the page. It is read as for scrapes; only the page measures connections. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostCheck } from '../../../smc/checks/index.ts';
import { hostFiles } from '../../../smc/host.ts';
import type { Outcome, Reader } from '../../../smc/reading.ts';
import type { SocketCounting } from '../../../smc/reading-sockets.ts';
import type { Seen } from './seen.ts';
import { SocketLook } from './sockets.ts';

/** How long the findings of the system check are shown before it is run again: it reads many files. */
const CHECKS_MS = 60_000;

/** Between the two lists that the first positions come from, see SocketRates; and when the second one comes too late. */
const SHORT_MS = 100;
const LATE_MS = 1000;

const PARTS = new Set([
  'system',
  'smcrPorts',
  'smcdDevices',
  'statistics',
  'sockets',
  'smcrLinkGroups',
  'smcdLinkGroups',
] as const);

export interface LookOptions {
  /** that of scrapes, so that they share answers with the page */
  reader: Reader;
  sockets: SocketCounting;
  /** runs something while this thread is in no other network namespace */
  atHome: <T>(run: () => Promise<T>) => Promise<T>;
  /** when the recording was made, if it is one */
  recordedAt: Date | undefined;
  /** a clock that nobody sets, in milliseconds; for a host whose time is made up */
  clock?: () => number;
}

/** Looks again and again, one look at a time. Loads no module but smc_diag, which belongs to an smc that is there. */
export class PageLook {
  readonly #options: LookOptions;
  readonly #sockets: SocketLook;
  #checks: Outcome<HostCheck[]> | undefined;
  /** the positions for the rates of the next look are being taken */
  #preparing: Promise<void> = Promise.resolve();

  constructor(options: LookOptions) {
    this.#options = options;
    this.#sockets = new SocketLook(options.reader.options.root, options.sockets, options.clock);
  }

  async take(): Promise<Seen> {
    await this.#preparing;
    const { reader, recordedAt, atHome } = this.#options;
    const { isRecorded } = this.#options.sockets;
    const list = this.#sockets.list();
    const [{ sockets, smcrLinkGroups, smcdLinkGroups, ...answers }, checks] = await atHome(() =>
      Promise.all([reader.read({ parts: PARTS, sockets: list.counting }), this.#check()]),
    );
    if (sockets.value && !isRecorded) this.#preparing = this.#prepare();
    return {
      at: recordedAt?.getTime() ?? Date.now(),
      clock: answers.statistics.at,
      isRecorded,
      host: Object.assign(hostFiles(reader.options.root), answers),
      sockets: sockets.value ? { value: list.seen(sockets.value) } : sockets,
      smcrGroups: smcrLinkGroups,
      smcdGroups: smcdLinkGroups,
      checks,
    };
  }

  async #check(): Promise<Outcome<HostCheck[]>> {
    const { reader, sockets } = this.#options;
    if (this.#checks && performance.now() - this.#checks.at <= CHECKS_MS) return this.#checks;
    const { checks } = await reader.read({ parts: new Set(['checks'] as const), sockets });
    this.#checks = checks;
    return checks;
  }

  async #prepare(): Promise<void> {
    const { reader, atHome } = this.#options;
    const begin = performance.now();
    await sleep(SHORT_MS);
    await atHome(async () => {
      if (performance.now() - begin > LATE_MS) return;
      const client = reader.connect();
      // the next look has no rates then, and says itself what is wrong
      await this.#sockets.probe(client).catch(() => {});
      client.close();
    });
  }

  /** Resolves when nothing is under way any more. */
  async settle(): Promise<void> {
    await this.#preparing;
  }
}
