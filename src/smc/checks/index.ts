// SPDX-License-Identifier: MIT
/** The checklist for a host on which connections are not SMC. */
import type { NetworkInterface } from '../../host/network-interfaces.ts';
import { NetlinkError } from '../../netlink/error.ts';
import type { SmcClient } from '../client.ts';
import { type Host, KERNEL_PARTS, observeHost } from '../host.ts';
import { namedUpInterface } from '../named-interface.ts';
import type { Check } from './check.ts';
import { checkEids } from './eids.ts';
import { checkFamilies } from './families.ts';
import { checkHandshakeLimit } from './handshake-limit.ts';
import { checkInterfaces, interfacesInUse } from './interfaces.ts';
import { checkIsm } from './ism.ts';
import { checkKernel } from './kernel.ts';
import { checkKernelLog } from './kernel-log.ts';
import { checkLimits } from './limits.ts';
import { checkMemory } from './memory.ts';
import { checkModules } from './module.ts';
import { checkMtu } from './mtu.ts';
import { checkNamespace } from './namespace.ts';
import { checkPnetTable } from './pnet-table.ts';
import { checkRdma } from './rdma.ts';
import { checkStatistics } from './statistics.ts';
import { checkSysctls } from './sysctls.ts';

export interface SystemCheckOptions {
  client: SmcClient;
  /** root of /proc, /sys and the like: "/" for this host */
  root: string;
  /** interfaces to look at; default: all that are up and have an address */
  interfaces?: readonly string[];
  /** environment, which tells where a reset of the statistics is kept; without it they count from the start */
  env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Looks at everything on this host that decides whether connections can be SMC. Nothing is changed by it, no module is
 * loaded. What cannot be looked at is reported as `unknown`.
 * @returns the checks, module smc first
 * @throws SmcError NOT_FOUND for an interface that is not there or not up; NetlinkError ERR_NO_ADDON, without which nearly
 * nothing can be checked
 */
export async function systemCheck({ client, root, interfaces, env }: SystemCheckOptions): Promise<Check[]> {
  const host = await observeHost(client, root, KERNEL_PARTS, env);
  const { error } = host.addresses.value ? {} : host.addresses;
  if (error instanceof NetlinkError && error.code === 'ERR_NO_ADDON') throw error;
  return checkHost(
    host,
    interfaces?.map((name) => namedUpInterface(name, host.interfaces)),
  );
}

/** All checks of what was seen. */
export function checkHost(host: Host, chosen?: readonly NetworkInterface[]): Check[] {
  const looked = chosen ?? interfacesInUse(host);
  return [
    ...checkModules(host),
    ...checkKernel(host),
    ...checkFamilies(host),
    ...checkNamespace(host),
    ...checkRdma(host),
    ...checkIsm(host),
    ...checkPnetTable(host),
    ...checkInterfaces(host, looked, chosen !== undefined),
    ...checkMtu(host, looked),
    ...checkEids(host),
    ...checkHandshakeLimit(host),
    ...checkSysctls(host),
    ...checkMemory(host),
    ...checkLimits(host),
    ...checkStatistics(host),
    ...checkKernelLog(host),
  ];
}
