// SPDX-License-Identifier: MIT
/**
 * Faults of SMC in releases of Linux that later kernels do not have. One entry is one fault; what the checks say of it and
 * what a listing warns of follows from that. Source: the kernel's commits, and the changelogs of Debian's kernels for the
 * stable releases. Distributions bring fixes on their own, so whatever is said here is said "by its version".
 */
import { type KernelVersion, versionText } from '../host/kernel-version.ts';

export interface KernelFault {
  name: string;
  /** what the user sees, a clause */
  effect: string;
  /** "CVE-2024-26615" */
  cve?: string;
  /** first stable release with the fix, by series: { '6.12': 56 } is 6.12.56. Nothing is known of other series. */
  stable: Readonly<Record<string, number>>;
  /** first release of Linux with the fix */
  mainline: string;
  /** `mainline` is the first release that was looked at, earlier ones may have the fix, too */
  isMainlineALimit?: true;
  /** release of Linux that brought the fault; absent: as old as SMC, or not known */
  introduced?: string;
}

/** Listing sockets with details of SMC-D takes the host down. */
export const DUMP_OF_SMCD: KernelFault = {
  name: 'dump-of-smcd',
  effect: 'listing SMC-D sockets while connections come and go can crash the host',
  cve: 'CVE-2024-26615',
  stable: { '6.1': 76, '6.6': 15 },
  mainline: '6.8',
  introduced: '4.19',
};

/** Listing sockets with details of SMC-R takes the host down. */
export const DUMP_OF_SMCR: KernelFault = {
  name: 'dump-of-smcr',
  effect: 'listing SMC-R sockets while connections come and go can crash the host',
  stable: { '6.1': 72, '6.6': 11 },
  mainline: '6.7',
};

/** Listing sockets at all takes the host down while IPPROTO_SMC sockets are made. */
export const DUMP_OF_NEW_SOCKETS: KernelFault = {
  name: 'dump-of-new-sockets',
  effect: 'listing sockets while programs open IPPROTO_SMC sockets can crash the host',
  stable: { '6.12': 56 },
  mainline: '6.18',
  introduced: '6.11',
};

/** The entry that an interface on top of others has in the PNET table is not looked at. */
export const ENTRY_OF_UPPER_INTERFACE: KernelFault = {
  name: 'entry-of-upper-interface',
  effect: 'the PNET table entry of a bond, VLAN or macvlan itself is ignored',
  stable: { '6.1': 141, '6.12': 31 },
  mainline: '6.15',
  introduced: '5.1',
};

/** Routes are looked up in the initial network namespace only. */
export const OTHER_NAMESPACE: KernelFault = {
  name: 'other-namespace',
  effect: 'version 2 of SMC-R fails in network namespaces other than the initial one',
  stable: { '6.1': 60 },
  mainline: '6.7',
  introduced: '5.16',
};

/** Faults that every host with such a kernel has; what is worst comes first. */
export const KERNEL_FAULTS: readonly KernelFault[] = [
  DUMP_OF_SMCD,
  DUMP_OF_SMCR,
  DUMP_OF_NEW_SOCKETS,
  {
    name: 'socket-option-hang',
    effect: 'any user can make a CPU hang with setsockopt() on an SMC socket',
    cve: 'CVE-2026-53274',
    stable: { '6.1': 176, '6.12': 94 },
    mainline: '7.3',
    isMainlineALimit: true,
  },
  {
    name: 'ipproto-type-confusion',
    effect: 'IPPROTO_SMC sockets can crash the host',
    stable: { '6.12': 40 },
    mainline: '6.16',
    introduced: '6.11',
  },
  {
    name: 'splice',
    effect: 'splice() and tee() on SMC sockets, as used by proxies, can crash the host',
    stable: { '6.1': 183, '6.12': 104 },
    mainline: '7.3',
    isMainlineALimit: true,
  },
  {
    name: 'peek',
    effect: 'recv() with MSG_PEEK returns wrong data if it asks for more than has arrived',
    stable: { '6.1': 129, '6.12': 13 },
    mainline: '6.14',
  },
  {
    name: 'late-decline',
    effect: 'a program can receive an SMC handshake message as data if the peer declines SMC late',
    cve: 'CVE-2023-52775',
    stable: { '6.1': 65 },
    mainline: '6.7',
  },
  {
    name: 'proposal-length',
    effect:
      'connections over IPv6 are reset where the interface has link-local addresses only, or the address is outside its subnets',
    stable: { '6.1': 159, '6.12': 59 },
    mainline: '6.18',
  },
  {
    name: 'lost-writability',
    effect: 'poll() and epoll may never report a socket writable again',
    stable: { '6.1': 122, '6.12': 7 },
    mainline: '6.13',
  },
  {
    name: 'reserved-bits',
    effect: 'connections are reset when a peer that sets reserved bits declines SMC',
    stable: { '6.1': 151, '6.12': 46 },
    mainline: '6.17',
  },
];

/** Series that get fixes for years; a fix may have come to each, whatever is known of it. */
const LONGTERM: readonly string[] = ['4.19', '5.4', '5.10', '5.15', '6.1', '6.6', '6.12', '6.18'];

/** Place of a series among all: 5.19 is followed by 6.0, 6.19 by 7.0. */
function place(series: string): number {
  const [major = 0, minor = 0] = series.split('.').map(Number);
  return major * 20 + minor;
}

/** Other series end when the one after the next is out, so a fix for Linux N can come to N-1 and N-2. */
const ALIVE_BEFORE = 2;

/**
 * Whether a kernel has a fault, by its version.
 * @returns `undefined` when the version does not tell
 */
export function hasFault(version: KernelVersion, fault: KernelFault): boolean | undefined {
  const { stable, mainline, isMainlineALimit, introduced } = fault;
  const { major, minor, patch, isFrozen, isCandidate } = version;
  const series = `${major}.${minor}`;
  if (introduced !== undefined && place(series) < place(introduced)) return false;
  if (place(series) > place(mainline)) return false;
  // candidates and kernels of a distribution had their fixes sooner or later
  if (place(series) === place(mainline)) return isCandidate && patch === 0 ? undefined : false;
  const fixed = stable[series];
  if (fixed !== undefined) {
    if (patch === undefined) return undefined;
    if (patch > fixed || (patch === fixed && !isCandidate)) return false;
    return isFrozen || patch === fixed ? undefined : true;
  }
  if (isFrozen || isMainlineALimit || LONGTERM.includes(series)) return undefined;
  return place(series) < place(mainline) - ALIVE_BEFORE ? true : undefined;
}

/** Faults that a kernel has, by its version. */
export function faultsOf(
  version: KernelVersion,
  faults: readonly KernelFault[] = KERNEL_FAULTS,
): KernelFault[] {
  return faults.filter((fault) => hasFault(version, fault));
}

/** "listing sockets … can crash the host (CVE-2024-26615)" */
export const effectText = ({ effect, cve }: KernelFault): string => (cve ? `${effect} (${cve})` : effect);

/** The release to boot instead, "Linux 6.1.76": of the same series where it has the fixes, else the first with all. */
export function releaseWithFixes({ major, minor }: KernelVersion, faults: readonly KernelFault[]): string {
  const series = `${major}.${minor}`;
  const patches = faults.map(({ stable }) => stable[series]);
  if (patches.every((patch) => patch !== undefined)) return `Linux ${series}.${Math.max(...patches)}`;
  const [last] = faults.map(({ mainline }) => mainline).sort((one, other) => place(other) - place(one));
  return `Linux ${last}`;
}

/** In words, for what is said of a fault: "by its version (6.1.37)". */
export const byVersion = (version: KernelVersion): string =>
  `judging by its version (${versionText(version)})`;
