// SPDX-License-Identifier: MIT
/** Looks at the host for the page. */
import type { Context } from '../../../cli/run.ts';
import { checkHost, type HostCheck } from '../../../smc/checks/index.ts';
import { SmcClient } from '../../../smc/client.ts';
import { hasSmc, KERNEL_PARTS, NO_SMC, observeHost } from '../../../smc/host.ts';
import { type Observed, observe } from '../../../smc/observed.ts';
import { DEFAULT_TIMEOUT_S, type ExporterOptions } from '../options.ts';
import { MOST_SOCKETS } from '../scrape.ts';
import type { Seen, SeenSockets } from './seen.ts';
import { SocketLook } from './sockets.ts';

/** How long the findings of the system check are shown before it is run again: it reads many files. */
const CHECKS_MS = 60_000;

export interface LookOptions {
  root: string;
  transport: Context['transport'];
  isRecorded: boolean;
  /** when the recording was made, in milliseconds since 1970 */
  recordedAt: number | undefined;
  /** longest silence of the kernel; that of the client by default */
  timeoutMs?: number;
  /** with more sockets than this they are not listed; `undefined`: they always are, also where that is dangerous */
  mostSockets: number | undefined;
  /** a clock that nobody sets, in milliseconds; for a host whose time is made up */
  clock?: () => number;
}

/** As the options of the command have it. */
export const lookOptions = (
  { hostRoot: root, transport, isRecorded, recordedAt }: Context,
  { timeout, collector }: Pick<ExporterOptions, 'timeout' | 'collector'>,
): LookOptions => ({
  root,
  transport,
  isRecorded,
  recordedAt: recordedAt?.getTime(),
  timeoutMs: 1000 * (timeout ?? DEFAULT_TIMEOUT_S),
  mostSockets: collector.includes('sockets') ? undefined : MOST_SOCKETS,
});

/** Looks again and again, one look at a time. Loads no module but smc_diag, which belongs to an smc that is there. */
export class PageLook {
  readonly #options: LookOptions;
  readonly #sockets: SocketLook;
  #checks: { at: number; checks: Observed<HostCheck[]> } | undefined;
  /** the positions for the rates of the next look are being taken */
  #preparing: Promise<void> = Promise.resolve();

  constructor(options: LookOptions) {
    this.#options = options;
    this.#sockets = new SocketLook(options);
  }

  async take(): Promise<Seen> {
    await this.#preparing;
    const { root, isRecorded, recordedAt } = this.#options;
    // a connection that the kernel has not answered in time is of no use any more
    const client = this.#client();
    try {
      const host = await observeHost(client, root, ['system', 'smcrPorts', 'smcdDevices', 'statistics']);
      const noSmc = hasSmc(host) === false ? { why: NO_SMC } : undefined;
      const seen = {
        at: recordedAt ?? Date.now(),
        clock: (this.#options.clock ?? (() => performance.now()))(),
        isRecorded,
        host,
        sockets: noSmc ?? (await observe(() => this.#sockets.take(client))),
        smcrGroups: noSmc ?? (await observe(() => client.smcrLinkGroups())),
        smcdGroups: noSmc ?? (await observe(() => client.smcdLinkGroups())),
        checks: await this.#check(client),
      };
      this.#prepare(seen.sockets);
      return seen;
    } finally {
      client.close();
    }
  }

  async #check(client: SmcClient): Promise<Observed<HostCheck[]>> {
    const now = performance.now();
    if (!this.#checks || now - this.#checks.at > CHECKS_MS) {
      const { root } = this.#options;
      const checks = await observe(async () => checkHost(await observeHost(client, root, KERNEL_PARTS)));
      this.#checks = { at: now, checks };
    }
    return this.#checks.checks;
  }

  #prepare({ value }: Observed<SeenSockets>): void {
    if (!value || this.#options.isRecorded) return;
    const client = this.#client();
    this.#preparing = this.#sockets
      .prepare(client)
      // the next look has no rates then, and says itself what is wrong
      .catch(() => {})
      .finally(() => client.close());
  }

  #client(): SmcClient {
    const { transport, root, timeoutMs } = this.#options;
    return new SmcClient({
      ...(transport && { transport }),
      hostRoot: root,
      ...(timeoutMs && { timeoutMs }),
    });
  }

  /** Resolves when nothing is under way any more. */
  async settle(): Promise<void> {
    await this.#preparing;
  }
}
