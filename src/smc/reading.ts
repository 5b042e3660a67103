// SPDX-License-Identifier: MIT
/**
 * One look at everything that the kernel tells about SMC, for programs that look again and again. Parts are asked at the
 * same time over connections of their own, so one that is not answered takes nothing from the others. Loads no module but
 * smc_diag, which the kernel adds to a loaded smc when sockets are listed.
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
  /** Runs something with a client of its own, as long as there is time. */
  const attempt = async <T>(
    ask: (client: SmcClient) => Promise<Observed<T>>,
    known?: FamilyInfo[],
  ): Promise<Outcome<T>> => {
    const start = performance.now();
    const client = new SmcClient({ ...options.client, hostRoot: root, timeoutMs: left(), known });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Observed<T>>((resolve) => {
      // what has arrived is read first
      const end = (): void => {
        setImmediate(() => resolve({ why: `no answer within ${timeoutMs} ms`, error: lateError(timeoutMs) }));
      };
      timer = setTimeout(end, left());
    });
    const outcome = await Promise.race([ask(client), late])
      // a bug of ours, which is no reason to lose the other parts
      .catch((error: unknown): Observed<T> => ({ why: `internal error: ${error}`, error }));
    clearTimeout(timer);
    client.close();
    const at = performance.now();
    return { ...outcome, seconds: (at - start) / 1000, at };
  };
  const isLate = (): boolean => performance.now() - begin > timeoutMs;
  const families = await shared.take('families', () => attempt(observeFamilies));
  const failure = 'why' in families ? families.error : undefined;
  if (failure instanceof NetlinkError && failure.code === 'ERR_NO_ADDON') throw failure;
  const outcomes = await Promise.all(
    [...parts].map(async (part) => {
      const ask = QUESTIONS[part] as (asker: Asker) => Promise<Observed<unknown>>;
      const take = () =>
        attempt((client) => ask({ client, root, families, sockets, isLate }), families.value);
      // sockets are counted in several ways
      return [part, await (part === 'sockets' ? take() : shared.take(part, take))] as const;
    }),
  );
  return { families, ...Object.fromEntries(outcomes) } as Reading as ReadingWith<P>;
}

/** The kernel has nothing to say about it: it has no SMC at the moment, or is too old. That is an answer, and no failure. */
export function isNotThere({ error }: { error?: unknown }): boolean {
  if (error instanceof SmcError) return error.code === 'NO_SMC' || error.code === 'NOT_SUPPORTED';
  return error instanceof NetlinkError && error.code === 'EOPNOTSUPP';
}

/** What is under way: whoever asks the same meanwhile gets the same answer. */
export class Shared {
  readonly #current = new Map<string, Promise<unknown>>();

  /** @param question names it; the type of its answer belongs to the name */
  take<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const current = this.#current.get(question) as Promise<T> | undefined;
    if (current) return current;
    const answer = ask().finally(() => this.#current.delete(question));
    this.#current.set(question, answer);
    return answer;
  }
}
