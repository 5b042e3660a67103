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

/** What is checked, in the order in which it is reported; the man page explains each. */
export const CHECK_IDS = [
  'module',
  'kernel',
  'kernel-fault',
  'kernel-fixes',
  'family',
  'namespace',
  'rdma-device',
  'rdma-port',
  'ism-device',
  'pnet-table',
  'interface',
  'mtu',
  'ueid',
  'handshake-limit',
  'sysctl',
  'memory',
  'contiguous-memory',
  'buffer-limit',
  'smaller-buffers',
  'rlimit',
  'fallbacks',
  'handshake-errors',
  'kernel-log',
] as const;

export type CheckId = (typeof CHECK_IDS)[number];

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
