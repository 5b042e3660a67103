// SPDX-License-Identifier: MIT
/** Everything that the checks look at, read once. Looking changes nothing: no module is loaded by it. */
import { isMainframe, kernelRelease } from '../../host/architecture.ts';
import { type DibsDevice, readDibsDevices } from '../../host/dibs-devices.ts';
import { type ModuleState, moduleState } from '../../host/kernel-module.ts';
import { type KernelVersion, readKernelVersion } from '../../host/kernel-version.ts';
import { type NetworkInterface, readInterfaces } from '../../host/network-interfaces.ts';
import { isInitialNetworkNamespace } from '../../host/network-namespace.ts';
import { type PciFunction, readPciFunctions } from '../../host/pci-devices.ts';
import type { RdmaDevice } from '../../host/rdma-devices.ts';
import type { FamilyInfo } from '../../netlink/genetlink.ts';
import { smcGenNetlink, smcPnetid } from '../../netlink/uapi/smc.ts';
import type { SmcClient } from '../client.ts';
import { hasLoopbackIsm, type SmcdDevice, type SmcrPort } from '../devices.ts';
import type { Seid } from '../eids.ts';
import type { InterfaceAddress } from '../interface-addresses.ts';
import { readOwnRdmaDevices } from '../inventory.ts';
import { type Observed, observe } from '../observed.ts';
import type { PnetEntry } from '../pnet-table.ts';
import type { Statistics } from '../statistics.ts';
import { countedSinceReset } from '../statistics-reset.ts';
import type { SystemInfo } from '../system.ts';

export interface HostView {
  /** root of /proc, /sys and the like */
  root: string;
  release: string | undefined;
  /** with the number of the stable release, if the host reports it */
  kernel: KernelVersion | undefined;
  isMainframe: boolean;
  pciFunctions: PciFunction[];
  /** SMC-D devices of the class dibs; since Linux 6.18 */
  dibsDevices: DibsDevice[] | undefined;
  /** state of the modules that SMC consists of */
  modules: { smc: ModuleState; smcDiag: ModuleState };
  /** generic netlink families of SMC that the kernel has at this moment */
  families: Observed<FamilyInfo[]>;
  isInitialNamespace: boolean | undefined;
  interfaces: NetworkInterface[];
  addresses: Observed<InterfaceAddress[]>;
  rdmaDevices: RdmaDevice[];
  system: Observed<SystemInfo>;
  /** without loopback-ism, which no list of the kernel has */
  smcdDevices: Observed<SmcdDevice[]>;
  /** `undefined` as value: it is not known */
  hasLoopbackIsm: boolean | undefined;
  smcrPorts: Observed<SmcrPort[]>;
  pnetTable: Observed<PnetEntry[]>;
  ueids: Observed<string[]>;
  seid: Observed<Seid | null>;
  isHandshakeLimited: Observed<boolean>;
  /** since the last reset */
  statistics: Observed<Statistics>;
  /** time of that reset, ISO 8601; `undefined`: none, so it is all since smc was loaded or the namespace made */
  resetTime: string | undefined;
}

const GENERAL = smcGenNetlink.GET_SYS_INFO.family;
const PNETID = smcPnetid.GET.family;

export const NO_SMC = 'there is no SMC in the kernel at the moment';

/** @param env where a reset of the statistics is kept; without it there was none */
export async function lookAtHost(
  client: SmcClient,
  root: string,
  env?: Readonly<Record<string, string | undefined>>,
): Promise<HostView> {
  const families = await observe(async () =>
    (await client.families()).filter(({ name }) => name === GENERAL || name === PNETID),
  );
  // Asking for a family by name would load the module. One that is there can be asked.
  const ask = async <T>(family: string, at: () => Promise<T>): Promise<Observed<T>> => {
    if (!families.value) return { why: families.why };
    if (families.value.some(({ name }) => name === family)) return observe(at);
    return { why: families.value.length > 0 ? `the kernel does not have ${family}` : NO_SMC };
  };
  const interfaces = readInterfaces(root);
  const system = await ask(GENERAL, () => client.system());
  const smcdDevices = await ask(GENERAL, () => client.smcdDevices());
  const statistics = await ask(GENERAL, () => client.statistics());
  const counted = statistics.value && env && countedSinceReset(statistics.value, env, root);
  const release = kernelRelease(root);
  const dibsDevices = readDibsDevices(root);
  return {
    root,
    release,
    kernel: readKernelVersion(root),
    isMainframe: isMainframe(root),
    pciFunctions: readPciFunctions(root),
    dibsDevices,
    modules: { smc: moduleState('smc', root, release), smcDiag: moduleState('smc_diag', root, release) },
    families,
    isInitialNamespace: isInitialNetworkNamespace(root),
    interfaces,
    addresses: await observe(() => client.interfaceAddresses()),
    rdmaDevices: readOwnRdmaDevices(root, interfaces),
    system,
    smcdDevices,
    hasLoopbackIsm:
      system.value && smcdDevices.value
        ? hasLoopbackIsm(system.value, smcdDevices.value, dibsDevices)
        : undefined,
    smcrPorts: await ask(GENERAL, () => client.smcrPorts()),
    pnetTable: await ask(PNETID, () => client.pnet.list()),
    ueids: await ask(GENERAL, () => client.ueids.list()),
    seid: await ask(GENERAL, async () => (await client.seid.read()) ?? null),
    isHandshakeLimited: await ask(GENERAL, () => client.handshakeLimit.isEnabled()),
    statistics: counted ? { value: counted.statistics } : statistics,
    resetTime: counted?.baseline?.time,
  };
}

/** Whether the kernel can be asked about SMC; `undefined` when that could not be found out. */
export function hasSmc({ families }: Pick<HostView, 'families'>): boolean | undefined {
  return families.value && families.value.length > 0;
}
