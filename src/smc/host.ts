// SPDX-License-Identifier: MIT
/**
 * This host as SMC has it: what files show of it, and what the kernel answers. Looking changes nothing: asking for a
 * netlink family by name would make the kernel load SMC, so only families that are there are asked.
 */
import { isMainframe, kernelRelease } from '../host/architecture.ts';
import { type DibsDevice, readDibsDevices } from '../host/dibs-devices.ts';
import { type ModuleState, moduleState } from '../host/kernel-module.ts';
import { type KernelVersion, readKernelVersion } from '../host/kernel-version.ts';
import { type NetworkInterface, readInterfaces } from '../host/network-interfaces.ts';
import { isInitialNetworkNamespace } from '../host/network-namespace.ts';
import { type PciFunction, type PciSlot, readPciFunctions, readPciSlots } from '../host/pci-devices.ts';
import { type RdmaDevice, readOwnRdmaDevices } from '../host/rdma-devices.ts';
import { NetlinkError } from '../netlink/error.ts';
import type { FamilyInfo } from '../netlink/genetlink.ts';
import { smcGenNetlink, smcPnetid } from '../netlink/uapi/smc.ts';
import type { SmcClient } from './client.ts';
import { hasLoopbackIsm, type SmcdDevice, type SmcrPort } from './devices.ts';
import type { Seid } from './eids.ts';
import { SmcError } from './error.ts';
import type { InterfaceAddress } from './interface-addresses.ts';
import { type Observed, observe } from './observed.ts';
import type { PnetEntry } from './pnet-table.ts';
import { type Counted, countedSinceReset } from './statistics-reset.ts';
import type { SystemInfo } from './system.ts';
import { whyNoSmc } from './without-smc.ts';

/** What /proc and /sys show. What they do not show is empty or `undefined`. */
export interface HostFiles {
  /** root of the trees that it is read from */
  readonly root: string;
  /** as `uname -r` has it */
  readonly release: string | undefined;
  /** with the number of the stable release, if the host reports it */
  readonly kernel: KernelVersion | undefined;
  readonly isMainframe: boolean;
  readonly isInitialNamespace: boolean | undefined;
  /** state of the modules that SMC consists of */
  readonly modules: { smc: ModuleState; smcDiag: ModuleState };
  /** of this network namespace */
  readonly interfaces: NetworkInterface[];
  readonly rdmaDevices: RdmaDevice[];
  readonly pciFunctions: PciFunction[];
  /** switches of the functions; s390x */
  readonly pciSlots: PciSlot[];
  /** SMC-D devices of the class dibs; since Linux 6.18 */
  readonly dibsDevices: DibsDevice[] | undefined;
}

/** What the kernel answers over netlink. Each part is asked in the family that has it. */
export interface KernelAnswers {
  readonly system: Observed<SystemInfo>;
  /** the PNET table of this network namespace */
  readonly pnetTable: Observed<PnetEntry[]>;
  /** RDMA ports as the kernel's SMC knows them */
  readonly smcrPorts: Observed<SmcrPort[]>;
  /** ISM devices as the kernel's SMC knows them, without loopback-ism, which no list of the kernel has */
  readonly smcdDevices: Observed<SmcdDevice[]>;
  readonly ueids: Observed<string[]>;
  /** `null` on a machine without one */
  readonly seid: Observed<Seid | null>;
  readonly isHandshakeLimited: Observed<boolean>;
  /** since the last reset, and which one that was */
  readonly statistics: Observed<Counted>;
  /** IP addresses of the interfaces; known without SMC, too */
  readonly addresses: Observed<InterfaceAddress[]>;
}

export type KernelPart = keyof KernelAnswers;

/** A host of which these parts of the kernel's answers were observed. */
export type HostWith<P extends KernelPart> = HostFiles & {
  /** generic netlink families of SMC that the kernel has at this moment */
  readonly families: Observed<FamilyInfo[]>;
} & Pick<KernelAnswers, P>;

/** A host of which everything was observed. */
export type Host = HostWith<KernelPart>;

type Environment = Readonly<Record<string, string | undefined>>;
type Value<P extends KernelPart> = KernelAnswers[P] extends Observed<infer T> ? T : never;

interface Question<T> {
  /** generic netlink family of SMC that has the answer; absent when it is not one of SMC's */
  family?: string;
  ask: (client: SmcClient, root: string, env: Environment | undefined) => Promise<T>;
}

const GENERAL = smcGenNetlink.GET_SYS_INFO.family;
const PNETID = smcPnetid.GET.family;

/** How each part is asked for, in the order in which they are. */
const QUESTIONS: { readonly [P in KernelPart]: Question<Value<P>> } = {
  system: { family: GENERAL, ask: (client) => client.system() },
  pnetTable: { family: PNETID, ask: (client) => client.pnet.list() },
  smcrPorts: { family: GENERAL, ask: (client) => client.smcrPorts() },
  smcdDevices: { family: GENERAL, ask: (client) => client.smcdDevices() },
  ueids: { family: GENERAL, ask: (client) => client.ueids.list() },
  seid: { family: GENERAL, ask: async (client) => (await client.seid.read()) ?? null },
  isHandshakeLimited: { family: GENERAL, ask: (client) => client.handshakeLimit.isEnabled() },
  statistics: {
    family: GENERAL,
    ask: async (client, root, env) => {
      const statistics = await client.statistics();
      return env ? countedSinceReset(statistics, env, root) : { statistics };
    },
  },
  addresses: { ask: (client) => client.interfaceAddresses() },
};

/** All that the kernel can be asked. */
export const KERNEL_PARTS = Object.keys(QUESTIONS) as readonly KernelPart[];

/** Why a part of the kernel's answers cannot be seen when SMC is not in it. */
export const NO_SMC = 'there is no SMC in the kernel at the moment';

/**
 * Asks the kernel for some parts; files are read when they are first used.
 * @param root of /proc and /sys: "/" for this host
 * @param env where a reset of the statistics is kept; without it there was none
 */
export async function observeHost<P extends KernelPart>(
  client: SmcClient,
  root: string,
  parts: readonly P[],
  env?: Environment,
): Promise<HostWith<P>> {
  const families = await observeFamilies(client);
  const answers: Record<string, Observed<unknown>> = {};
  for (const part of KERNEL_PARTS) {
    if (!(parts as readonly KernelPart[]).includes(part)) continue;
    answers[part] = await observePart(client, root, part, families, env);
  }
  return Object.assign(hostFiles(root), { families }, answers as unknown as Pick<KernelAnswers, P>);
}

/** Families of SMC that the kernel has at this moment. Loads no module. */
export function observeFamilies(client: SmcClient): Promise<Observed<FamilyInfo[]>> {
  return observe(async () =>
    (await client.families()).filter(({ name }) => name === GENERAL || name === PNETID),
  );
}

/** Asks the kernel for one part; see `observeHost`. */
export async function observePart<P extends KernelPart>(
  client: SmcClient,
  root: string,
  part: P,
  families: Observed<FamilyInfo[]>,
  env?: Environment,
): Promise<Observed<Value<P>>> {
  const { family, ask } = QUESTIONS[part];
  return (family && absence(families, root, family)) || observe(() => ask(client, root, env));
}

/**
 * Why a family cannot be asked: one failure for all that it would have answered. Asked by its name, a family that is not
 * there would make the kernel load SMC.
 * @returns `undefined` when it can be asked
 */
export function absence(
  families: Observed<FamilyInfo[]>,
  root: string,
  family = GENERAL,
): Observed<never> | undefined {
  if (!families.value) return families;
  if (families.value.length === 0) return withoutSmc(families.value, root);
  return families.value.some(({ name }) => name === family) ? undefined : LACKING[family];
}

const absent = (text: string, why = text): Observed<never> => ({ why, error: new SmcError('NO_SMC', text) });

/** By the families of one look, for all its parts: it is one failure, and to find the reason takes reading files. */
const WITHOUT_SMC = new WeakMap<FamilyInfo[], Observed<never>>();

function withoutSmc(families: FamilyInfo[], root: string): Observed<never> {
  const known = WITHOUT_SMC.get(families) ?? absent(whyNoSmc(root).text, NO_SMC);
  WITHOUT_SMC.set(families, known);
  return known;
}

const LACKING: Readonly<Record<string, Observed<never>>> = {
  [GENERAL]: absent(`the kernel does not have ${GENERAL}`),
  [PNETID]: absent(`the kernel does not have ${PNETID}`),
};

/**
 * What the kernel did not answer: each failure once, for the first part that it hides. Failures that follow because the
 * connection was given up are left out.
 */
export function unseenParts<P extends KernelPart>(
  host: Pick<KernelAnswers, P>,
  parts: readonly P[],
): { part: P; why: string; error: unknown }[] {
  const seen = new Set<unknown>();
  return parts.flatMap((part) => {
    const observed: Observed<unknown> = host[part];
    if (!('why' in observed)) return [];
    const { why, error } = observed;
    const isConsequence = seen.size > 0 && error instanceof NetlinkError && error.code === 'ERR_CLOSED';
    if (isConsequence || seen.has(error)) return [];
    seen.add(error);
    return [{ part, why, error }];
  });
}

/** What files show; each part is read when it is first used. */
export function hostFiles(root: string): HostFiles {
  const files: HostFiles = lazily({
    root: () => root,
    release: () => kernelRelease(root),
    kernel: () => readKernelVersion(root),
    isMainframe: () => isMainframe(root),
    isInitialNamespace: () => isInitialNetworkNamespace(root),
    modules: () => ({
      smc: moduleState('smc', root, files.release),
      smcDiag: moduleState('smc_diag', root, files.release),
    }),
    interfaces: () => readInterfaces(root),
    rdmaDevices: () => readOwnRdmaDevices(root, files.interfaces),
    pciFunctions: () => readPciFunctions(root),
    pciSlots: () => readPciSlots(root),
    dibsDevices: () => readDibsDevices(root),
  });
  return files;
}

/** An object of which each property is made when it is first used. */
function lazily<T extends object>(makers: { readonly [K in keyof T]: () => T[K] }): T {
  const made = {};
  for (const key of Object.keys(makers) as (keyof T)[])
    Object.defineProperty(made, key, {
      configurable: true,
      enumerable: true,
      get() {
        const value = makers[key]();
        Object.defineProperty(made, key, { value, enumerable: true });
        return value;
      },
    });
  return made as T;
}

/** Whether the kernel can be asked about SMC; `undefined` when that could not be found out. */
export function hasSmc({ families }: Pick<Host, 'families'>): boolean | undefined {
  return families.value && families.value.length > 0;
}

/** Whether SMC has a loopback-ism; `undefined` when that is not known. */
export function hasLoopback({
  system,
  smcdDevices,
  dibsDevices,
}: Pick<Host, 'system' | 'smcdDevices' | 'dibsDevices'>): boolean | undefined {
  if (!system.value || !smcdDevices.value) return undefined;
  return hasLoopbackIsm(system.value, smcdDevices.value, dibsDevices);
}
