// SPDX-License-Identifier: MIT
/**
 * Entries of the PNET table that have no effect although they are there.
 *
 * The kernel keeps an entry for a name that nothing has yet, and gives the PNET ID to whatever is registered under that
 * name: an interface, an RDMA device (by its own name only, not by that of its PCI function), an SMC-D device. It does so
 * again when that goes away and comes back. What it does not follow is a rename: an interface or RDMA device that comes
 * under another name and then gets the one of the entry stays without a PNET ID. That is what udev does with most. An
 * entry that is made after the rename has an effect. Seen on Linux 6.1 and 6.12.
 *
 * So RDMA ports show by themselves that they have no PNET ID. Interfaces do not; for them it is remembered which
 * interface had the name when the entry was made.
 */
import { readNumber } from '../../host/sysfs.ts';
import type { SmcrPort } from '../../smc/devices.ts';
import { memberKey, pnetEntries } from './changes.ts';
import type { Configuration, PnetNetwork } from './configuration.ts';
import type { Memory } from './memory.ts';

/** NET_NAME_RENAMED of include/uapi/linux/netdevice.h */
const RENAMED = 4;

/** Interfaces of a table in the network namespace of this process, with their indexes; 0 for one that is not there. */
export function interfaceIndexes({ pnet }: Configuration, root: string): Map<string, number> {
  const names = [...(pnet ?? new Map<string, PnetNetwork>()).values()].flatMap(
    ({ interfaces }) => interfaces,
  );
  return new Map(names.map((name) => [name, readNumber(`${root}/sys/class/net/${name}/ifindex`) ?? 0]));
}

/**
 * Keys (`memberKey`) of interfaces that got their name after their entry was made.
 * @param remembered the interfaces when entries were made or last looked at
 */
export function detachedInterfaces(
  running: Configuration,
  { interfaces: remembered }: Memory,
  root: string,
): Set<string> {
  const detached = new Set<string>();
  for (const [name, index] of interfaceIndexes(running, root)) {
    const was = remembered.get(name);
    if (was === undefined || index === 0 || was === index) continue;
    if (readNumber(`${root}/sys/class/net/${name}/name_assign_type`) === RENAMED)
      detached.add(memberKey({ interface: name }));
  }
  return detached;
}

/** Keys of RDMA ports that have no PNET ID although there is an entry for them. */
export function detachedPorts({ pnet }: Configuration, ports: readonly SmcrPort[]): Set<string> {
  const bare = new Set(
    ports.flatMap(({ device, number, pnetId }) =>
      pnetId === undefined ? [device.ibName, device.pciId].map((name) => `device ${name} ${number}`) : [],
    ),
  );
  return new Set([...pnetEntries(pnet ?? new Map()).keys()].filter((key) => bare.has(key)));
}
