// SPDX-License-Identifier: MIT
/**
 * Everything that the kernel tells about SMC, for programs that look again and again, and for several who look at once. Loads
 * no module but smc_diag, which the kernel adds to a loaded smc when sockets are listed.
 */
import { setImmediate as afterThisTurn } from 'node:timers/promises';
import { type ModuleState, moduleState } from '../host/kernel-module.ts';
import { socketsPerProtocol } from '../host/procfs.ts';
import { NetlinkError } from '../netlink/error.ts';
import type { FamilyInfo } from '../netlink/genetlink.ts';
import { checkHost, type HostCheck } from './checks/index.ts';
import { SmcClient, type SmcClientOptions } from './client.ts';
import type { SmcdDevice, SmcrPort } from './devices.ts';
import type { Seid } from './eids.ts';
import { SmcError } from './error.ts';
import {
  absence,
  KERNEL_PARTS,
  type KernelAnswers,
  type KernelPart,
  observeFamilies,
  observeHost,
  observePart,
} from './host.ts';
import type { SmcdLinkGroup, SmcrLinkGroup } from './link-groups.ts';
import { type Observed, observe } from './observed.ts';
import type { PnetEntry } from './pnet-table.ts';
import { countSockets, type SocketCounting, type SocketCounts } from './reading-sockets.ts';
import type { Counted } from './statistics-reset.ts';
import { readSysctls, type Sysctl } from './sysctls.ts';
import type { SystemInfo } from './system.ts';

/** A part of a reading: its value, or why there is none; and how long that took. */
export type Outcome<T> = Observed<T> & {
  readonly seconds: number;
  /** when that was known, in milliseconds of `performance.now()` */
  readonly at: number;
};

/** What belongs to the host, whatever the network namespace. */
export interface HostReading {
  system: SystemInfo;
  modules: { smc: ModuleState; smcDiag: ModuleState };
  smcrPorts: SmcrPort[];
  smcdDevices: SmcdDevice[];
  smcrLinkGroups: SmcrLinkGroup[];
  smcdLinkGroups: { groups: SmcdLinkGroup[]; missing: number };
  ueids: string[];
  /** `null` on a machine without one */
  seid: Seid | null;
  /** findings of smc_chk for this host */
  checks: HostCheck[];
}

/** What belongs to a network namespace. */
export interface NamespaceReading {
  /** without the user's resets: they are since the module was loaded, or the namespace was made */
  statistics: Counted;
  pnetTable: PnetEntry[];
  isHandshakeLimited: boolean;
  sysctls: Sysctl[];
  /** open sockets by protocol, from /proc/net/protocols */
  protocols: Record<string, number>;
  sockets: SocketCounts;
}

export type HostReadingPart = keyof HostReading;
export type NamespaceReadingPart = keyof NamespaceReading;
export type ReadingPart = HostReadingPart | NamespaceReadingPart;

type Outcomes<T> = { readonly [K in keyof T]?: Outcome<T[K]> };

/** What was seen. A part that nobody wanted is `undefined`. */
export interface Reading extends Outcomes<HostReading>, Outcomes<NamespaceReading> {
  /** generic netlink families of SMC that the kernel had when it began */
  readonly families: Outcome<FamilyInfo[]>;
}

/** A reading for which these parts were wanted. */
export type ReadingWith<P extends ReadingPart> = Reading & {
  readonly [K in P]-?: NonNullable<Reading[K]>;
};

/** How readings are made. */
export interface ReaderOptions {
  client: SmcClientOptions;
  /** root of /proc and /sys */
  root: string;
  /** longest time for all parts of a reading together, in milliseconds */
  timeoutMs: number;
  /** when an answer takes longer than this, the other questions do not wait for it; in milliseconds, 20 by default */
  patienceMs?: number;
}

/** What is read. */
export interface Wanted<P extends ReadingPart = ReadingPart> {
  parts: ReadonlySet<P>;
  /** how sockets are counted */
  sockets: SocketCounting;
}

/** Who asks for a part. */
export interface Asker {
  client: SmcClient;
  root: string;
  families: Observed<FamilyInfo[]>;
  sockets: SocketCounting;
  /** the time for it is over */
  isLate: () => boolean;
}

type Questions<T> = { readonly [K in keyof T]: (asker: Asker) => Promise<Observed<T[K]>> };

/** What only SMC's own family answers. */
const inspected =
  <T>(ask: (asker: Asker) => Promise<T>) =>
  async (asker: Asker): Promise<Observed<T>> =>
    absence(asker.families, asker.root) ?? observe(() => ask(asker));

/** What `observeHost` asks as well. */
const asHost =
  <P extends KernelPart>(part: P) =>
  ({ client, root, families }: Asker): Promise<KernelAnswers[P]> =>
    observePart(client, root, part, families) as Promise<KernelAnswers[P]>;

const QUESTIONS: Questions<HostReading & NamespaceReading> = {
  system: asHost('system'),
  modules: ({ root }) =>
    observe(() => ({ smc: moduleState('smc', root), smcDiag: moduleState('smc_diag', root) })),
  smcrPorts: asHost('smcrPorts'),
  smcdDevices: asHost('smcdDevices'),
  smcrLinkGroups: inspected(({ client }) => client.smcrLinkGroups()),
  smcdLinkGroups: inspected(({ client }) => client.smcdLinkGroups()),
  ueids: asHost('ueids'),
  seid: asHost('seid'),
  checks: ({ client, root }) => observe(async () => checkHost(await observeHost(client, root, KERNEL_PARTS))),
  statistics: asHost('statistics'),
  pnetTable: asHost('pnetTable'),
  isHandshakeLimited: asHost('isHandshakeLimited'),
  sysctls: ({ root }) => observe(() => readSysctls(undefined, root)),
  protocols: ({ root }) => observe(() => socketsPerProtocol(root)),
  sockets: inspected(countSockets),
};

const HOST_PARTS: ReadonlySet<ReadingPart> = new Set<HostReadingPart>([
  'system',
  'modules',
  'smcrPorts',
  'smcdDevices',
  'smcrLinkGroups',
  'smcdLinkGroups',
  'ueids',
  'seid',
  'checks',
]);

/** Whether a part belongs to the host, and not to a network namespace. */
export const isOfHost = (part: ReadingPart): boolean => HOST_PARTS.has(part);

/** A question with its answer for those who wait for it. @returns whether the connection can take another one */
type Question = (client: SmcClient) => Promise<boolean>;

/**
 * Reads one network namespace: the one in which this thread is. Whoever asks what is being asked already gets the same answer.
 * Questions of all readings are asked over one connection, since to open one takes as long as some answers. When an answer is
 * slow, another connection goes on with the rest.
 */
export class Reader {
  readonly options: ReaderOptions;
  readonly #queue: Question[] = [];
  /** what is in the queue or being asked */
  readonly #pending = new Map<unknown, Promise<Outcome<unknown>>>();
  /** goes on with the queue; none while all answers are slow and the queue is empty */
  #current: SmcClient | undefined;
  /** they need not be looked up for each connection */
  #known: FamilyInfo[] | undefined;

  constructor(options: ReaderOptions) {
    this.options = options;
  }

  /**
   * Reads all parts that are wanted. Ends when the time is over at the latest.
   * @throws NetlinkError ERR_NO_ADDON, without which nearly nothing can be read; nothing else
   */
  async read<P extends ReadingPart>({ parts, sockets }: Wanted<P>): Promise<ReadingWith<P>> {
    const { root, timeoutMs } = this.options;
    const end = performance.now() + timeoutMs;
    const families = await this.#ask('families', observeFamilies, end);
    const failure = 'why' in families ? families.error : undefined;
    if (failure instanceof NetlinkError && failure.code === 'ERR_NO_ADDON') throw failure;
    this.#known = families.value;
    const isLate = (): boolean => performance.now() > end;
    const take = async (part: P): Promise<[P, Outcome<unknown>]> => {
      const ask = QUESTIONS[part] as (asker: Asker) => Promise<Observed<unknown>>;
      // sockets are counted in several ways
      const key = part === 'sockets' ? sockets : part;
      return [part, await this.#ask(key, (client) => ask({ client, root, families, sockets, isLate }), end)];
    };
    const outcomes = await Promise.all([...parts].map(take));
    return { families, ...Object.fromEntries(outcomes) } as Reading as ReadingWith<P>;
  }

  /** A connection of its own, for what is no reading. */
  connect(): SmcClient {
    const { client, root: hostRoot, timeoutMs } = this.options;
    return new SmcClient({ ...client, hostRoot, timeoutMs, known: this.#known });
  }

  /** @param key is the same for the same question. @param end when the time is over, by `performance.now()` */
  #ask<T>(key: unknown, ask: (client: SmcClient) => Promise<Observed<T>>, end: number): Promise<Outcome<T>> {
    const pending = this.#pending.get(key) as Promise<Outcome<T>> | undefined;
    if (pending) return pending;
    const answer = new Promise<Outcome<T>>((resolve) => {
      this.#queue.push(async (client) => {
        const outcome = await this.#attempt(() => ask(client), end);
        this.#pending.delete(key);
        resolve(outcome);
        // what is still to come on this connection could be taken for the next answer
        return !('why' in outcome);
      });
    });
    this.#pending.set(key, answer);
    this.#goOn();
    return answer;
  }

  #goOn(): void {
    if (!this.#current && this.#queue.length > 0) void this.#work(this.connect());
  }

  /** Asks one question after the other over a connection. */
  async #work(client: SmcClient): Promise<void> {
    const leave = (): void => {
      if (this.#current !== client) return;
      this.#current = undefined;
      this.#goOn();
    };
    for (;;) {
      const question = this.#queue.shift();
      if (!question) break;
      this.#current = client;
      const timer = setTimeout(leave, this.options.patienceMs ?? 20);
      const isUsable = await question(client);
      clearTimeout(timer);
      if (!isUsable) break;
      // whoever has got the answer may ask something else
      if (this.#queue.length === 0) await afterThisTurn();
    }
    client.close();
    leave();
  }

  /** Asks as long as there is time. */
  async #attempt<T>(ask: () => Promise<Observed<T>>, end: number): Promise<Outcome<T>> {
    const begin = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Observed<T>>((resolve) => {
      const why = `no answer within ${this.options.timeoutMs} ms`;
      const giveUp = (): void =>
        resolve({ why, error: new NetlinkError({ op: 'receive', code: 'ERR_TIMEOUT', detail: why }) });
      // what has arrived is read first
      timer = setTimeout(() => setImmediate(giveUp), Math.max(1, end - begin));
    });
    const outcome = await Promise.race([ask(), late])
      // a bug of ours, which is no reason to lose the other parts
      .catch((error: unknown): Observed<T> => ({ why: `internal error: ${error}`, error }));
    clearTimeout(timer);
    const at = performance.now();
    return { ...outcome, seconds: (at - begin) / 1000, at };
  }
}

/** The kernel has nothing to say about it: it has no SMC at the moment, or is too old. That is an answer, and no failure. */
export function isNotThere({ error }: { error?: unknown }): boolean {
  if (error instanceof SmcError) return error.code === 'NO_SMC' || error.code === 'NOT_SUPPORTED';
  return error instanceof NetlinkError && error.code === 'EOPNOTSUPP';
}
