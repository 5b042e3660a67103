// SPDX-License-Identifier: MIT
/** The sockets as the page needs them: counted, and the connections with most traffic. */
import { SocketOwners } from '../../../host/socket-owners.ts';
import type { SmcClient } from '../../../smc/client.ts';
import type { SocketCounting, SocketCounts } from '../../../smc/reading-sockets.ts';
import { isConnection, type SeenSocket } from '../../../smc/seen-socket.ts';
import { ownershipOf, whyUnknown } from '../../../smc/socket-ownership.ts';
import { SocketRates } from '../../../smc/socket-rates.ts';
import { connectionMode } from '../../../smc/sockets.ts';
import type { SeenSockets } from './seen.ts';

/** Connections that the page shows. */
const SHOWN = 10;

/** Of a bundle, which has no rates to choose by. */
const SHOWN_RECORDED = 20;

/** How long it is taken for granted which process has which socket: to find out takes a look at all processes. */
const OWNERS_MS = 30_000;

/** Reads lists of sockets again and again. */
export class SocketLook {
  readonly #root: string;
  readonly #counting: SocketCounting;
  readonly #clock: () => number;
  /** positions from the last list */
  #rates: SocketRates | undefined;
  #owners: { at: number; owners: SocketOwners } | undefined;

  /** @param root of /proc. @param clock that nobody sets, in milliseconds */
  constructor(root: string, counting: SocketCounting, clock = () => performance.now()) {
    this.#root = root;
    this.#counting = counting;
    this.#clock = clock;
  }

  /** For one list, in which the connections are measured that were there in the list before. */
  list(): { counting: SocketCounting; seen(counts: SocketCounts): SeenSockets } {
    const shown = this.#counting.isRecorded ? SHOWN_RECORDED : SHOWN;
    const rates = this.#rates;
    this.#rates = undefined;
    const next = new SocketRates();
    let some: SeenSocket[] = [];
    const see = (sockets: readonly SeenSocket[]): void => {
      const now = this.#clock();
      for (const socket of sockets) {
        next.add(socket, now);
        if (!isConnection(socket)) continue;
        socket.traffic = rates?.measure(socket, now);
        some.push(socket);
      }
      if (some.length > shown) some = some.sort(byTraffic).slice(0, shown);
    };
    return {
      counting: { ...this.#counting, by: [], see },
      seen: ({ summary, interrupted }) => {
        if (!this.#counting.isRecorded) this.#rates = next;
        return { summary, isComplete: !interrupted, ...this.#withOwners(some) };
      },
    };
  }

  /** To be called a moment after a list: without these positions there may be no rates in the next one. */
  async probe(client: SmcClient): Promise<void> {
    for await (const batch of client.socketBatches({ connection: true })) {
      const now = this.#clock();
      for (const socket of batch) this.#rates?.probe(socket, now);
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
        whyNoOwners: this.#counting.isRecorded ? 'the bundle does not have them' : whyUnknown(owners).why,
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
