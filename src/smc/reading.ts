// SPDX-License-Identifier: MIT
/**
 * One look at everything that the kernel tells about SMC, for programs that look again and again. Parts are asked over one
 * connection, since to open one takes as long as some answers. One that is not answered soon takes nothing from the others:
 * they get another connection. Loads no module but smc_diag, which the kernel adds to a loaded smc when sockets are listed.
 */
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

/** How a reading is made. */
export interface ReadingOptions<P extends ReadingPart = ReadingPart> {
  client: SmcClientOptions;
  /** root of /proc and /sys */
  root: string;
  parts: ReadonlySet<P>;
  /** longest time for all parts together, in milliseconds */
  timeoutMs: number;
  /** how sockets are counted */
  sockets: SocketCounting;
  /** what other readings of the same namespace are asking at the moment */
  shared: Shared;
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

const lateError = (timeoutMs: number): NetlinkError =>
  new NetlinkError({ op: 'receive', code: 'ERR_TIMEOUT', detail: `no answer within ${timeoutMs} ms` });

/** When an answer takes longer than this, the other parts do not wait for it. */
const PATIENCE_MS = 20;

/**
 * Reads all parts that are wanted, in the network namespace of this thread. Ends when the time is over at the latest.
 * @throws NetlinkError ERR_NO_ADDON, without which nearly nothing can be read; nothing else
 */
export async function takeReading<P extends ReadingPart>(
  options: ReadingOptions<P>,
): Promise<ReadingWith<P>> {
  const { root, parts, timeoutMs, sockets, shared } = options;
  const begin = performance.now();
  const left = (): number => Math.max(1, timeoutMs - (performance.now() - begin));
  const connect = (known?: FamilyInfo[]): SmcClient =>
    new SmcClient({ ...options.client, hostRoot: root, timeoutMs: left(), known });
  /** Runs something as long as there is time. */
  const attempt = async <T>(ask: () => Promise<Observed<T>>): Promise<Outcome<T>> => {
    const start = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Observed<T>>((resolve) => {
      // what has arrived is read first
      const end = (): void => {
        setImmediate(() => resolve({ why: `no answer within ${timeoutMs} ms`, error: lateError(timeoutMs) }));
      };
      timer = setTimeout(end, left());
    });
    const outcome = await Promise.race([ask(), late])
      // a bug of ours, which is no reason to lose the other parts
      .catch((error: unknown): Observed<T> => ({ why: `internal error: ${error}`, error }));
    clearTimeout(timer);
    const at = performance.now();
    return { ...outcome, seconds: (at - start) / 1000, at };
  };
  let first: SmcClient | undefined;
  const families = await shared.take('families', () => {
    const client = connect();
    first = client;
    return attempt(() => observeFamilies(client));
  });
  const failure = 'why' in families ? families.error : undefined;
  if (failure instanceof NetlinkError && failure.code === 'ERR_NO_ADDON') throw failure;
  const isLate = (): boolean => performance.now() - begin > timeoutMs;
  const outcomes = new Map<ReadingPart, Outcome<unknown>>();
  const queue = new Set<ReadingPart>(parts);
  const done = shared.listen((part, outcome) => {
    if (queue.delete(part as ReadingPart)) outcomes.set(part as ReadingPart, outcome as Outcome<unknown>);
  });
  /** Asks one part after the other. When one takes long, another connection goes on with the rest. */
  const work = async (client: SmcClient): Promise<void> => {
    const [part] = queue;
    if (part === undefined) return client.close();
    queue.delete(part);
    const ask = QUESTIONS[part] as (asker: Asker) => Promise<Observed<unknown>>;
    const take = () => attempt(() => ask({ client, root, families, sockets, isLate }));
    let others: Promise<void> | undefined;
    const timer = setTimeout(() => {
      others = work(connect(families.value));
    }, PATIENCE_MS);
    // sockets are counted in several ways
    const outcome = await (part === 'sockets' ? take() : shared.take(part, take));
    clearTimeout(timer);
    outcomes.set(part, outcome);
    if (!('why' in outcome)) await work(client);
    else {
      // what is still to come on this connection could be taken for the next answer
      client.close();
      await work(connect(families.value));
    }
    await others;
  };
  if (!families.value) first?.close();
  await work((families.value && first) ?? connect(families.value));
  done();
  return { families, ...Object.fromEntries(outcomes) } as Reading as ReadingWith<P>;
}

/** The kernel has nothing to say about it: it has no SMC at the moment, or is too old. That is an answer, and no failure. */
export function isNotThere({ error }: { error?: unknown }): boolean {
  if (error instanceof SmcError) return error.code === 'NO_SMC' || error.code === 'NOT_SUPPORTED';
  return error instanceof NetlinkError && error.code === 'EOPNOTSUPP';
}

/** What is under way: whoever asks the same meanwhile, or is going to, gets the same answer. */
export class Shared {
  readonly #current = new Map<string, Promise<unknown>>();
  readonly #listeners = new Set<(question: string, answer: unknown) => void>();

  /** Calls with each answer that arrives. @returns ends that */
  listen(listener: (question: string, answer: unknown) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param question names it; the type of its answer belongs to the name */
  take<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const current = this.#current.get(question) as Promise<T> | undefined;
    if (current) return current;
    const answer = ask().finally(() => this.#current.delete(question));
    this.#current.set(question, answer);
    answer.then(
      (value) => {
        for (const listener of this.#listeners) listener(question, value);
      },
      () => {},
    );
    return answer;
  }
}
