// SPDX-License-Identifier: MIT
/** What a check of this host tells. */

export type CheckStatus =
  /** as it should be */
  | 'pass'
  /** SMC works, but not always or not well */
  | 'warning'
  /** connections end up as TCP, or do not come about */
  | 'fail'
  /** it could not be looked at */
  | 'unknown';

/** A value for programs, as JSON takes it. */
export type Fact =
  | string
  | number
  | boolean
  | null
  | bigint
  | readonly Fact[]
  | { readonly [key: string]: Fact };

/** A check as it is explained to users. */
export interface CheckDefinition {
  readonly id: string;
  /** whole sentences, for the man page */
  readonly about: string;
}

/** What is checked, in the order in which it is reported. */
export const CHECKS = [
  {
    id: 'module',
    about:
      'The kernel modules smc and smc_diag: whether they exist, are loaded or built in, where they come from, and whether a file of modprobe.d or the kernel command line prevents them from being loaded. Since Linux 6.18, also ism if an ISM function has no driver: smc no longer loads that module.',
  },
  {
    id: 'kernel',
    about:
      'Release of the kernel, and SMC features that were added after that version. Distributors may have backported some of them.',
  },
  {
    id: 'kernel-fault',
    about: 'A known fault of this release, if it affects this host.',
  },
  {
    id: 'kernel-fixes',
    about:
      'Faults of SMC that this kernel has, judging by its version, and that later versions do not have: crashes, wrong data, connections that are reset. For kernels to which distributors backport fixes for years (RHEL, SLES and others), the check reports nothing.',
  },
  {
    id: 'family',
    about: 'The generic netlink families, and whether they have the commands that this suite uses.',
  },
  {
    id: 'namespace',
    about:
      'Whether this is the initial network namespace. Other namespaces have their own PNET table, settings, handshake limitation and statistics; PNET IDs of devices can be set only in the initial one.',
  },
  {
    id: 'rdma-device',
    about: 'RDMA devices, which SMC-R needs.',
  },
  {
    id: 'rdma-port',
    about: 'Ports of RDMA devices: state, addresses (GIDs), PNET ID.',
  },
  {
    id: 'ism-device',
    about: 'ISM devices and loopback-ism, which SMC-D needs.',
  },
  {
    id: 'pnet-table',
    about:
      'Interfaces and devices in the PNET table that do not exist, and PNET IDs that only interfaces or only devices have.',
  },
  {
    id: 'interface',
    about:
      'The device that the kernel would choose for connections over the interface and why, or why it would choose none.',
  },
  {
    id: 'mtu',
    about: 'MTU of an interface with an RDMA port, and the size of RDMA packets that it allows.',
  },
  {
    id: 'ueid',
    about:
      'Enterprise IDs. Version 2 of SMC requires one that both hosts have; on machines other than IBM Z, the lack of a common one is the usual cause of a fallback.',
  },
  {
    id: 'handshake-limit',
    about: 'Whether connections become TCP when handshakes queue up.',
  },
  {
    id: 'sysctl',
    about: 'Settings net.smc.* that differ from the default.',
  },
  {
    id: 'memory',
    about: 'Whether there is enough free memory for the buffers of many connections.',
  },
  {
    id: 'contiguous-memory',
    about: 'Whether free memory has contiguous blocks as large as the SMC-R buffers.',
  },
  {
    id: 'buffer-limit',
    about: 'Whether net.core.wmem_max and rmem_max let programs request buffers as large as those of SMC.',
  },
  {
    id: 'smaller-buffers',
    about: 'Buffers that are smaller than requested, counted like fallbacks.',
  },
  {
    id: 'rlimit',
    about: 'Resource limits of programs started from here.',
  },
  {
    id: 'fallbacks',
    about:
      'The share of the connections of this network namespace that became TCP, and the most frequent reasons.',
  },
  {
    id: 'handshake-errors',
    about: 'Handshakes that failed and made their connections fail, counted like fallbacks.',
  },
  {
    id: 'kernel-log',
    about: 'What the kernel log says about SMC; on most systems only root can read it.',
  },
] as const satisfies readonly CheckDefinition[];

export type CheckId = (typeof CHECKS)[number]['id'];

/** What one check found. */
export interface Check {
  id: CheckId;
  /** what was looked at, such as a device or an interface; `null` when there is only one */
  subject: string | null;
  status: CheckStatus;
  /** one line, lower case, no full stop */
  finding: string;
  /** why that matters, or why it could not be looked at */
  reason: string | null;
  /** command that fixes it */
  fix: string | null;
  /** keys in snake case */
  facts: Readonly<Record<string, Fact>>;
}

/** A check with what it does not say filled in. */
export function check(
  status: CheckStatus,
  id: CheckId,
  subject: string | null,
  finding: string,
  more: Partial<Pick<Check, 'reason' | 'fix' | 'facts'>> = {},
): Check {
  return { id, subject, status, finding, reason: null, fix: null, facts: {}, ...more };
}

/** "1 port", "2 ports" */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
