// SPDX-License-Identifier: MIT
/** The sockets as the page needs them: counted, and the connections with most traffic. */
import { SocketOwners } from '../../../host/socket-owners.ts';
import type { SmcClient } from '../../../smc/client.ts';
import { refuseListing } from '../../../smc/reading-sockets.ts';
import { isConnection, type SeenSocket } from '../../../smc/seen-socket.ts';
import { ownershipOf, whyUnknown } from '../../../smc/socket-ownership.ts';
import { SocketRates } from '../../../smc/socket-rates.ts';
import { SocketSummary } from '../../../smc/socket-summary.ts';
import { connectionMode } from '../../../smc/sockets.ts';
import type { SeenSockets } from './seen.ts';

/** Connections that the page shows. */
const SHOWN = 10;

/** Of a bundle, which has no rates to choose by. */
const SHOWN_RECORDED = 20;

/** Between the two lists that the first positions come from, see SocketRates. */
const SHORT_MS = 100;

/** How long it is taken for granted which process has which socket: to find out takes a look at all processes. */
const OWNERS_MS = 30_000;

export interface SocketLookOptions {
  root: string;
  isRecorded: boolean;
  /** with more sockets than this they are not listed; `undefined`: they always are, also where that is dangerous */
  mostSockets: number | undefined;
  /** a clock that nobody sets, in milliseconds */
  clock?: () => number;
}

/** Lists sockets again and again. */
export class SocketLook {
  readonly #root: string;
  readonly #isRecorded: boolean;
  readonly #most: number | undefined;
  readonly #clock: () => number;
  /** positions from the last look */
  #rates: SocketRates | undefined;
  #owners: { at: number; owners: SocketOwners } | undefined;

  constructor({ root, isRecorded, mostSockets, clock = () => performance.now() }: SocketLookOptions) {
    this.#most = mostSockets;
    this.#root = root;
    this.#isRecorded = isRecorded;
    this.#clock = clock;
  }

  /**
   * Lists all sockets once, and measures the connections that were there at the last look.
   * @throws NotListed; SmcError NO_SMC; NetlinkError
   */
  async take(client: SmcClient): Promise<SeenSockets> {
    const summary = new SocketSummary();
    const shown = this.#isRecorded ? SHOWN_RECORDED : SHOWN;
    const rates = this.#rates;
    this.#rates = undefined;
    if (this.#most !== undefined && !this.#isRecorded) refuseListing(this.#most, this.#root);
    const next = new SocketRates();
    let some: SeenSocket[] = [];
    const batches = client.socketBatches({ connection: true });
    for (;;) {
      const { done, value } = await batches.next();
      if (done) {
        if (!this.#isRecorded) this.#rates = next;
        return { summary, isComplete: !value.interrupted, ...this.#withOwners(some) };
      }
      const now = this.#clock();
      for (const socket of value as SeenSocket[]) {
        summary.add(socket);
        next.add(socket, now);
        if (!isConnection(socket)) continue;
        socket.traffic = rates?.measure(socket, now);
        some.push(socket);
      }
      if (some.length > shown) some = some.sort(byTraffic).slice(0, shown);
    }
  }

  /** To be called a moment after `take`: without these positions there are no rates at the next one. */
  async prepare(client: SmcClient): Promise<void> {
    const rates = this.#rates;
    if (!rates) return;
    await new Promise((resolve) => setTimeout(resolve, SHORT_MS));
    for await (const batch of client.socketBatches({ connection: true })) {
      const now = this.#clock();
      for (const socket of batch) rates.probe(socket, now);
    }
  }

  #withOwners(some: SeenSocket[]): Pick<SeenSockets, 'some' | 'whyNoOwners'> {
    some.sort(byTraffic);
    if (some.length === 0) return { some, whyNoOwners: undefined };
    try {
      const now = this.#clock();
      if (!this.#owners || now - this.#owners.at > OWNERS_MS)
        this.#owners = { at: now, owners: new SocketOwners(this.#root) };
      const { owners } = this.#owners;
      for (const socket of some) socket.ownership = ownershipOf(socket, owners);
      const areUnknown = some.some(({ ownership }) => ownership?.state === 'unknown');
      if (!areUnknown) return { some, whyNoOwners: undefined };
      return {
        some,
        whyNoOwners: this.#isRecorded ? 'the bundle does not have them' : whyUnknown(owners).why,
      };
    } catch {
      return { some, whyNoOwners: 'there is no /proc' };
    }
  }
}

const bytesOf = ({ traffic }: SeenSocket): number => (traffic?.rx ?? 0) + (traffic?.tx ?? 0);

/** Most traffic first, then SMC before TCP; otherwise as the kernel lists them, since sorting keeps that order. */
const byTraffic = (one: SeenSocket, other: SeenSocket): number =>
  bytesOf(other) - bytesOf(one) ||
  Number(connectionMode(one) === 'TCP') - Number(connectionMode(other) === 'TCP');
