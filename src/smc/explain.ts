// SPDX-License-Identifier: MIT
/** Turns failures into words: messages of commands, and reasons in lists. No other place does. */
import { buildHint, namedNative } from '../host/package-files.ts';
import { UntrustedError } from '../host/untrusted-error.ts';
import { NetlinkError } from '../netlink/error.ts';
import { SmcError } from './error.ts';
import { notLoaded } from './without-smc.ts';

/** A message about a failure: a sentence without program name and full stop, and what to do about it. */
export interface Explanation {
  text: string;
  hint?: string | undefined;
}

/**
 * Explains a failure. Returns `undefined` for anything unforeseen: that is a bug, and the caller reports it as one.
 */
export function explain(error: unknown): Explanation | undefined {
  if (error instanceof SmcError) return { text: error.message, hint: error.hint };
  if (error instanceof NetlinkError) {
    const { text, hint } = netlinkWords(error);
    return hint === undefined ? { text } : { text, hint };
  }
  if (error instanceof UntrustedError) return { text: `${error.path} is not used: ${error.message}` };
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (code && syscall)
    return { text: `${path ? `${path}: ` : ''}${SYSTEM[code] ?? `${syscall} failed (${code})`}` };
  return undefined;
}

/**
 * Why something cannot be seen, in a few words and without a hint: what a list has room for.
 * @throws the error itself when it says nothing about the host: a bug of ours
 */
export function whyNotSeen(error: unknown): string {
  if (error instanceof SmcError) return error.message;
  if (error instanceof NetlinkError) return netlinkWords(error).reason;
  const { code, path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (!code || !syscall) throw error;
  return `${path ?? syscall}: ${SYSTEM_REASONS[code] ?? code}`;
}

/** Whether a failure means that the kernel has no SMC; false if SMC refused a request. */
export function isOutOfReach(error: unknown): boolean {
  if (error instanceof NetlinkError) return BEFORE_REQUEST.has(error.op);
  return error instanceof SmcError && error.code === 'NO_SMC';
}

/** Whether the kernel does not know a request: it is too old for it. */
export function isTooOld(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === 'EOPNOTSUPP' && !BEFORE_REQUEST.has(error.op);
}

const BEFORE_REQUEST: ReadonlySet<string> = new Set(['load netlink addon', 'open socket', 'resolve family']);

/** usual messages for the errno names of file errors */
const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBADF: 'bad file descriptor',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'files may not be as large here (ulimit -f)',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
};

/** The same in a few words. */
const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'not found',
};

/** What is wrong with a reply that cannot be read, when nothing more is known. */
const UNREADABLE: Readonly<Record<string, string>> = {
  ERR_TRUNCATED: 'it is too long',
  ERR_MALFORMED: 'it is damaged',
  ERR_OVERRUN: 'the kernel lost a part of it',
};

/** Words for a failure of netlink: as a message, and as a reason in a list. */
interface NetlinkWords extends Explanation {
  reason: string;
}

function netlinkWords(error: NetlinkError): NetlinkWords {
  const object = [error.family, error.command].filter(Boolean).join(' ') || 'netlink';
  const bare = `${object}: ${error.code}`;
  switch (error.code) {
    case 'EPERM':
    case 'EACCES':
      return {
        text: 'permission denied',
        hint: 'CAP_NET_ADMIN is needed: run it as root, outside of containers',
        reason: `${object}: permission denied`,
      };
    case 'ERR_NO_ADDON':
      return {
        text: `the netlink addon cannot be loaded (${namedNative('netlink.node')})`,
        hint: buildHint('a C and a C++ compiler'),
        reason: 'the netlink addon cannot be loaded',
      };
    case 'ERR_TIMEOUT':
      return {
        text: `the kernel did not answer ${object}${error.detail ? ` (${error.detail})` : ''}`,
        hint: 'try again; see the kernel log',
        reason: `${object}: no answer`,
      };
    case 'ERR_INTERRUPTED':
      return {
        text: `the table kept changing while it was read (${object})`,
        hint: 'try again',
        reason: bare,
      };
    case 'ERR_TRUNCATED':
    case 'ERR_MALFORMED':
    case 'ERR_OVERRUN':
      return {
        text: `the kernel's reply to ${object} cannot be read: ${error.detail ?? UNREADABLE[error.code]}`,
        hint: 'please report this with the output of the same command under SMC_TOOLS_DEBUG=1',
        reason: `${object}: the reply cannot be read`,
      };
    case 'ERR_NOT_RECORDED':
      return {
        text: `the bundle does not contain the kernel's answer to ${object}`,
        hint: 'its manifest.json lists what could not be collected',
        reason: `${object}: not in the recording`,
      };
    case 'EOPNOTSUPP':
      return {
        text:
          error.family === 'SOCK_DIAG'
            ? `this kernel cannot list ${error.command}`
            : `this kernel does not know the command ${object}`,
        hint: 'a newer kernel is needed',
        reason: `this kernel does not know ${object}`,
      };
  }
  const reason = error.op === 'open socket' ? `a netlink socket cannot be opened (${error.code})` : bare;
  if (error.code === 'ENOMEM' || error.code === 'ENOBUFS')
    return {
      text: 'the kernel does not have enough memory for this',
      hint: 'try again when more memory is free',
      reason,
    };
  if (error.op === 'open socket') return { text: reason, hint: 'a sandbox may forbid it', reason };
  if (error.family === 'SOCK_DIAG')
    return error.code === 'ENOENT'
      ? { ...notLoaded('smc_diag'), reason }
      : { text: `the kernel does not list ${error.command} (${error.code})`, reason };
  if (error.code === 'ERR_CLOSED')
    return { text: `the connection was closed before ${object} was answered`, reason };
  const more = error.kernelMessage ?? error.detail;
  return { text: `${bare}${more ? ` (${more})` : ''}`, reason };
}
