// SPDX-License-Identifier: MIT
/** IPPROTO_SMC: SMC sockets of the family AF_INET or AF_INET6, since Linux 6.11. */
import { kernelRelease } from './architecture.ts';
import { readText } from './sysfs.ts';

/**
 * Whether the kernel has IPPROTO_SMC. Its module has an alias for the protocol. Once it is loaded, the protocol is in the
 * list of protocols.
 */
export function hasInetSmc(root: string): boolean {
  if (/^INET_SMC /m.test(readText(`${root}/proc/net/protocols`) ?? '')) return true;
  const aliases = readText(`${root}/lib/modules/${kernelRelease(root) ?? ''}/modules.alias`);
  return /net-pf-2-proto-256-type-1 /.test(aliases ?? '');
}
