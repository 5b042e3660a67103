// SPDX-License-Identifier: MIT
/** The checklist for a host on which connections are not SMC. */
import type { NetworkInterface } from '../../host/network-interfaces.ts';
import { NetlinkError } from '../../netlink/error.ts';
import type { SmcClient } from '../client.ts';
import { type Host, KERNEL_PARTS, observeHost } from '../host.ts';
import { namedUpInterface } from '../named-interface.ts';
import type { Check } from './check.ts';
import { ueidCheck } from './eids.ts';
import { familyCheck } from './families.ts';
import { handshakeLimitCheck } from './handshake-limit.ts';
import { interfaceCheck, interfacesInUse } from './interfaces.ts';
import { ismDeviceCheck } from './ism.ts';
import { kernelCheck, kernelFaultCheck, kernelFixesCheck } from './kernel.ts';
import { kernelLogCheck } from './kernel-log.ts';
import { rlimitCheck } from './limits.ts';
import { bufferLimitCheck, contiguousMemoryCheck, memoryCheck, smallerBuffersCheck } from './memory.ts';
import { moduleCheck } from './module.ts';
import { mtuCheck } from './mtu.ts';
import { namespaceCheck } from './namespace.ts';
import { pnetTableCheck } from './pnet-table.ts';
import { rdmaChecks } from './rdma.ts';
import { fallbacksCheck, handshakeErrorsCheck } from './statistics.ts';
import { sysctlCheck } from './sysctls.ts';

/** The checks, in the order in which they are run, reported and explained in smc_chk(8). */
export const CHECKS = [
  moduleCheck,
  kernelCheck,
  kernelFaultCheck,
  kernelFixesCheck,
  familyCheck,
  namespaceCheck,
  rdmaChecks,
  ismDeviceCheck,
  pnetTableCheck,
  interfaceCheck,
  mtuCheck,
  ueidCheck,
  handshakeLimitCheck,
  sysctlCheck,
  memoryCheck,
  contiguousMemoryCheck,
  bufferLimitCheck,
  smallerBuffersCheck,
  rlimitCheck,
  fallbacksCheck,
  handshakeErrorsCheck,
  kernelLogCheck,
] as const;

export type CheckId = (typeof CHECKS)[number]['explained'][number]['id'];

/** What one of these checks found. */
export type HostCheck = Check<CheckId>;

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
export async function systemCheck({
  client,
  root,
  interfaces,
  env,
}: SystemCheckOptions): Promise<HostCheck[]> {
  const host = await observeHost(client, root, KERNEL_PARTS, env);
  const error = 'why' in host.addresses ? host.addresses.error : undefined;
  if (error instanceof NetlinkError && error.code === 'ERR_NO_ADDON') throw error;
  return checkHost(
    host,
    interfaces?.map((name) => namedUpInterface(name, host.interfaces)),
  );
}

/** All checks of what was seen. */
export function checkHost(host: Host, chosen?: readonly NetworkInterface[]): HostCheck[] {
  const look = { host, interfaces: chosen ?? interfacesInUse(host), areNamed: chosen !== undefined };
  // a definition reports under its own ids only
  return CHECKS.flatMap(({ run }) => run(look)) as HostCheck[];
}
