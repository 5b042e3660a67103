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
import { absence, KERNEL_PARTS, observeFamilies, observeHost, observePart } from './host.ts';
import type { SmcdLinkGroup, SmcrLinkGroup } from './link-groups.ts';
import { type Observed, observe } from './observed.ts';
import type { PnetEntry } from './pnet-table.ts';
import { countSockets, type SocketCounting, type SocketCounts } from './reading-sockets.ts';
import type { Statistics } from './statistics.ts';
import { readSysctls, type Sysctl } from './sysctls.ts';
import type { SystemInfo } from './system.ts';

/** A part of a reading: its value, or why there is none; and how long that took. */
export type Outcome<T> = Observed<T> & { readonly seconds: number };

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
  statistics: Statistics;
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
  /** when it began */
  time: Date;
  /** how long it took */
  seconds: number;
}

/** How a reading is made. */
export interface ReadingOptions {
  client: SmcClientOptions;
  /** root of /proc and /sys */
  root: string;
  parts: ReadonlySet<ReadingPart>;
  /** longest time for all parts together, in milliseconds */
  timeoutMs: number;
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
    absence(asker.families) ?? observe(() => ask(asker));

const QUESTIONS: Questions<HostReading & NamespaceReading> = {
  system: ({ client, root, families }) => observePart(client, root, 'system', families),
  modules: ({ root }) =>
    observe(() => ({ smc: moduleState('smc', root), smcDiag: moduleState('smc_diag', root) })),
  smcrPorts: ({ client, root, families }) => observePart(client, root, 'smcrPorts', families),
  smcdDevices: ({ client, root, families }) => observePart(client, root, 'smcdDevices', families),
  smcrLinkGroups: inspected(({ client }) => client.smcrLinkGroups()),
  smcdLinkGroups: inspected(({ client }) => client.smcdLinkGroups()),
  ueids: ({ client, root, families }) => observePart(client, root, 'ueids', families),
  seid: ({ client, root, families }) => observePart(client, root, 'seid', families),
  checks: ({ client, root }) => observe(async () => checkHost(await observeHost(client, root, KERNEL_PARTS))),
  statistics: inspected(({ client }) => client.statistics()),
  pnetTable: ({ client, root, families }) => observePart(client, root, 'pnetTable', families),
  isHandshakeLimited: ({ client, root, families }) =>
    observePart(client, root, 'isHandshakeLimited', families),
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
export async function takeReading(options: ReadingOptions): Promise<Reading> {
  const { root, parts, timeoutMs, sockets } = options;
  const begin = performance.now();
  const time = new Date();
  const left = (): number => Math.max(1, timeoutMs - (performance.now() - begin));
  /** Runs something with a client of its own, as long as there is time. */
  const attempt = async <T>(ask: (client: SmcClient) => Promise<Observed<T>>): Promise<Outcome<T>> => {
    const start = performance.now();
    const client = new SmcClient({ ...options.client, hostRoot: root, timeoutMs: left() });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Observed<T>>((resolve) => {
      // what has arrived is read first
      const end = (): void => {
        setImmediate(() => resolve({ why: `no answer within ${timeoutMs} ms`, error: lateError(timeoutMs) }));
      };
      timer = setTimeout(end, left());
    });
    try {
      const outcome = await Promise.race([ask(client), late]);
      return { ...outcome, seconds: (performance.now() - start) / 1000 };
    } catch (error) {
      // a bug of ours, which is no reason to lose the other parts
      return { why: `internal error: ${error}`, error, seconds: (performance.now() - start) / 1000 };
    } finally {
      clearTimeout(timer);
      client.close();
    }
  };
  const isLate = (): boolean => performance.now() - begin > timeoutMs;
  const families = await attempt((client) => observeFamilies(client));
  const failure = 'why' in families ? families.error : undefined;
  if (failure instanceof NetlinkError && failure.code === 'ERR_NO_ADDON') throw failure;
  const outcomes = await Promise.all(
    [...parts].map(async (part) => {
      const ask = QUESTIONS[part] as (asker: Asker) => Promise<Observed<unknown>>;
      const outcome = await attempt((client) => ask({ client, root, families, sockets, isLate }));
      return [part, outcome] as const;
    }),
  );
  return { time, seconds: (performance.now() - begin) / 1000, ...Object.fromEntries(outcomes) };
}

/** The kernel has nothing to say about it: it has no SMC at the moment, or is too old. That is an answer, and no failure. */
export function isNotThere({ error }: { error?: unknown }): boolean {
  if (error instanceof SmcError) return error.code === 'NO_SMC' || error.code === 'NOT_SUPPORTED';
  return error instanceof NetlinkError && error.code === 'EOPNOTSUPP';
}

/** Makes one reading at a time: whoever asks meanwhile gets the one that is under way. */
export class SharedReadings<T> {
  readonly #take: () => Promise<T>;
  #current: Promise<T> | undefined;

  constructor(take: () => Promise<T>) {
    this.#take = take;
  }

  take(): Promise<T> {
    this.#current ??= this.#take().finally(() => {
      this.#current = undefined;
    });
    return this.#current;
  }
}
