// SPDX-License-Identifier: MIT
/** What a check of this host tells, and how a check looks at things that it may not be allowed to see. */
import { NetlinkError } from '../../netlink/error.ts';
import { SmcError } from '../error.ts';

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

/** Something that was looked at: the value, or why there is none. */
export type Looked<T> = { readonly value: T } | { readonly value?: undefined; readonly why: string };

/** Looks at something; a failure becomes the reason why it is not known. */
export async function look<T>(at: () => T | Promise<T>): Promise<Looked<T>> {
  try {
    return { value: await at() };
  } catch (error) {
    return { why: whyNot(error) };
  }
}

/** `look` for what is read at once. */
export function lookNow<T>(at: () => T): Looked<T> {
  try {
    return { value: at() };
  } catch (error) {
    return { why: whyNot(error) };
  }
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'not found',
};

/**
 * @throws the error itself when it says nothing about the host: a bug of ours, or netlink's native part is missing, and
 * with it nearly all that could be said
 */
function whyNot(error: unknown): string {
  if (error instanceof SmcError) return error.message;
  if (error instanceof NetlinkError && error.code !== 'ERR_NO_ADDON') return whyNetlink(error);
  const { code, path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (!code || !syscall) throw error;
  return `${path ?? syscall}: ${FILE_ERRORS[code] ?? code}`;
}

function whyNetlink({ code, family, command, op }: NetlinkError): string {
  const object = [family, command].filter(Boolean).join(' ') || 'netlink';
  switch (code) {
    case 'EPERM':
    case 'EACCES':
      return `${object}: permission denied`;
    case 'EOPNOTSUPP':
      return `this kernel does not know ${object}`;
    case 'ERR_NOT_RECORDED':
      return `${object}: not in the recording`;
    case 'ERR_TIMEOUT':
      return `${object}: no answer`;
    case 'ERR_MALFORMED':
    case 'ERR_TRUNCATED':
    case 'ERR_OVERRUN':
      return `${object}: the reply cannot be read`;
    default:
      return op === 'open socket' ? `a netlink socket cannot be opened (${code})` : `${object}: ${code}`;
  }
}

/** "1 port", "2 ports" */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
