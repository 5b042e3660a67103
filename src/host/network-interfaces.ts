// SPDX-License-Identifier: MIT
/** Network interfaces of a network namespace, from /sys/class/net. */
import { existsSync } from 'node:fs';
import { entries, linkName, readNumber, readText } from './sysfs.ts';

export interface NetworkInterface {
  name: string;
  /** ifindex */
  index: number;
  /** bytes */
  mtu: number;
  /** "up", "down", "unknown" (lo, dummy), "lowerlayerdown", … (RFC 2863) */
  operstate: string;
  /** IFF_* */
  flags: number;
  /** IFF_UP: an administrator has set it up; the link may still be down */
  isUp: boolean;
  /** ARPHRD_*: 1 Ethernet, 32 InfiniBand, 772 loopback */
  type: number;
  /** hardware address, e.g. "02:00:00:00:00:01"; `undefined` for none */
  address: string | undefined;
  /**
   * "ethernet", "infiniband", "loopback", "bond", "vlan", "bridge", "macvlan", "vxlan", "wlan", … as in the
   * kernel; "veth" for an interface with a peer, "virtual" for others without hardware
   */
  kind: string;
  /** names of the interfaces directly below, in the order in which the kernel uses them */
  lower: string[];
  /** names of the interfaces directly above */
  upper: string[];
  /** the device behind it; `undefined` for an interface without hardware */
  parent: { bus: string; id: string } | undefined;
  /** driver of that device */
  driver: string | undefined;
  /** channel path of a ccwgroup device (OSA, HiperSockets), two hexadecimal digits, lower case; s390x */
  chpid: string | undefined;
  /** port of a ccwgroup device, from 0; s390x */
  portNumber: number | undefined;
  /** port of the adapter, from 0 */
  devPort: number;
}

const IFF_UP = 1;
const ARPHRD_ETHER = 1;
const ARPHRD_INFINIBAND = 32;
const ARPHRD_LOOPBACK = 772;

/** Interfaces of the caller's network namespace, sorted by name; empty without sysfs. */
export function readInterfaces(root: string): NetworkInterface[] {
  return entries(`${root}/sys/class/net`).flatMap((name) => readInterface(name, root) ?? []);
}

/** @returns `undefined` when there is no such interface */
export function readInterface(name: string, root: string): NetworkInterface | undefined {
  const directory = `${root}/sys/class/net/${name}`;
  const index = readNumber(`${directory}/ifindex`);
  if (index === undefined) return undefined; // bonding_masters, or an interface that has just been removed
  const device = `${directory}/device`;
  const parentId = linkName(device);
  const flags = readNumber(`${directory}/flags`) ?? 0;
  const type = readNumber(`${directory}/type`) ?? 0;
  const names = entries(directory);
  const related = (prefix: string): string[] =>
    names.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length));
  return {
    name,
    index,
    mtu: readNumber(`${directory}/mtu`) ?? 0,
    operstate: readText(`${directory}/operstate`) ?? 'unknown',
    flags,
    isUp: (flags & IFF_UP) !== 0,
    type,
    address: readText(`${directory}/address`) || undefined,
    kind: kindOf(directory, type, index, names),
    lower: kernelOrder(related('lower_'), directory, root),
    upper: related('upper_'),
    parent: parentId === undefined ? undefined : { bus: linkName(`${device}/subsystem`) ?? '', id: parentId },
    driver: linkName(`${device}/driver`),
    chpid: readText(`${device}/chpid`)?.toLowerCase().padStart(2, '0'),
    portNumber: readNumber(`${device}/portno`),
    devPort: readNumber(`${directory}/dev_port`) ?? 0,
  };
}

function kindOf(directory: string, type: number, index: number, names: readonly string[]): string {
  if (type === ARPHRD_LOOPBACK) return 'loopback';
  const told = /^DEVTYPE=(.+)$/m.exec(readText(`${directory}/uevent`) ?? '')?.[1];
  if (told) return told;
  if (names.includes('bonding')) return 'bond';
  if (names.includes('bridge')) return 'bridge';
  if (names.includes('tun_flags')) return 'tun';
  if (type === ARPHRD_INFINIBAND) return 'infiniband';
  if (names.includes('device')) return type === ARPHRD_ETHER ? 'ethernet' : 'hardware';
  const peer = readNumber(`${directory}/iflink`);
  if (peer !== undefined && peer !== index && !names.some((name) => name.startsWith('lower_'))) return 'veth';
  return 'virtual';
}

/**
 * The kernel keeps lower interfaces in the order in which they were added. For a bond, a file has that order. For others,
 * sysfs does not show it, and the order of creation is used instead.
 */
function kernelOrder(lower: string[], directory: string, root: string): string[] {
  if (lower.length < 2) return lower;
  const slaves = (readText(`${directory}/bonding/slaves`) ?? '').split(' ');
  const place = (name: string): number => {
    const at = slaves.indexOf(name);
    return at >= 0 ? at : slaves.length + (readNumber(`${root}/sys/class/net/${name}/ifindex`) ?? 0);
  };
  return lower.sort((one, other) => place(one) - place(other));
}

/**
 * The interface at the very bottom, below bonds, VLANs and the like: its PNET ID applies to those above it. The kernel
 * uses the first lower interface on each level. An interface of another network namespace cannot be followed.
 */
export function baseDevice(
  interfaceOrName: NetworkInterface | string,
  interfaces: readonly NetworkInterface[],
): NetworkInterface | undefined {
  const named = (name: string | undefined): NetworkInterface | undefined =>
    interfaces.find((candidate) => candidate.name === name);
  let base = typeof interfaceOrName === 'string' ? named(interfaceOrName) : interfaceOrName;
  // at most as many steps as there are interfaces, because a tree that changes while it is read may have a loop
  for (let level = 0; base && level < interfaces.length; level++) {
    const next = named(base.lower[0]);
    if (!next) break;
    base = next;
  }
  return base;
}

/** VLAN ID of a VLAN interface, from /proc/net/vlan, which only root may read. @returns `undefined` when not known */
export function vlanId(name: string, root: string): number | undefined {
  if (!existsSync(`${root}/proc/net/vlan/${name}`)) return undefined;
  const id = /\bVID: (\d+)/.exec(readText(`${root}/proc/net/vlan/${name}`) ?? '')?.[1];
  return id === undefined ? undefined : Number(id);
}
