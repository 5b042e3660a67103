// SPDX-License-Identifier: MIT
/** Turns failures into messages; no other place does. */
import { UntrustedError } from '../host/untrusted-error.ts';
import { NetlinkError } from '../netlink/error.ts';
import { SmcError } from '../smc/error.ts';

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
  if (error instanceof NetlinkError) return explainNetlink(error);
  if (error instanceof UntrustedError) return { text: `${error.path} is not used: ${error.message}` };
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (code && syscall)
    return { text: `${path ? `${path}: ` : ''}${SYSTEM[code] ?? `${syscall} failed (${code})`}` };
  return undefined;
}

/** Whether a failure means that the kernel has no SMC; false if SMC refused a request. */
export function isOutOfReach(error: unknown): boolean {
  if (error instanceof NetlinkError) return BEFORE_REQUEST.has(error.op);
  return error instanceof SmcError && error.code === 'NO_SMC';
}

const BEFORE_REQUEST: ReadonlySet<string> = new Set(['load netlink addon', 'open socket', 'resolve family']);

/** usual messages for the errno names of file errors */
const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBADF: 'bad file descriptor',
  EFBIG: 'files may not be as large here (ulimit -f)',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
};

/** What is wrong with a reply that cannot be read, when nothing more is known. */
const UNREADABLE: Readonly<Record<string, string>> = {
  ERR_TRUNCATED: 'it is too long',
  ERR_MALFORMED: 'it is damaged',
  ERR_OVERRUN: 'the kernel lost a part of it',
};

function explainNetlink(error: NetlinkError): Explanation {
  const object = [error.family, error.command].filter(Boolean).join(' ') || 'netlink';
  switch (error.code) {
    case 'EPERM':
    case 'EACCES':
      return {
        text: 'permission denied',
        hint: 'CAP_NET_ADMIN is needed: run it as root, outside of containers',
      };
    case 'ERR_NO_ADDON':
      return {
        text: 'the native part of the npm package netlink cannot be loaded',
        hint: 'there is no prebuilt one for this platform: install a C++ compiler, make and Python, then reinstall the package',
      };
    case 'ERR_TIMEOUT':
      return {
        text: `the kernel did not answer ${object}${error.detail ? ` (${error.detail})` : ''}`,
        hint: 'try again; see the kernel log',
      };
    case 'ERR_INTERRUPTED':
      return { text: `the table kept changing while it was read (${object})`, hint: 'try again' };
    case 'ERR_TRUNCATED':
    case 'ERR_MALFORMED':
    case 'ERR_OVERRUN':
      return {
        text: `the kernel's reply to ${object} cannot be read: ${error.detail ?? UNREADABLE[error.code]}`,
        hint: 'please report this with the output of the same command under SMC_TOOLS_DEBUG=1',
      };
    case 'ERR_NOT_RECORDED':
      return {
        text: `the bundle does not contain the kernel's answer to ${object}`,
        hint: 'its manifest.json lists what could not be collected',
      };
    case 'ENOMEM':
    case 'ENOBUFS':
      return {
        text: 'the kernel does not have enough memory for this',
        hint: 'try again when more memory is free',
      };
    case 'EOPNOTSUPP':
      return {
        text:
          error.family === 'SOCK_DIAG'
            ? `this kernel cannot list ${error.command}`
            : `this kernel does not know the command ${object}`,
        hint: 'a newer kernel is needed',
      };
  }
  if (error.op === 'open socket')
    return { text: `a netlink socket cannot be opened (${error.code})`, hint: 'a sandbox may forbid it' };
  if (error.family === 'SOCK_DIAG')
    return error.code === 'ENOENT'
      ? { text: 'kernel module smc_diag is not loaded', hint: 'load it: modprobe smc_diag' }
      : { text: `the kernel does not list ${error.command} (${error.code})` };
  const more = error.kernelMessage ?? error.detail;
  if (error.code === 'ERR_CLOSED') return { text: `the connection was closed before ${object} was answered` };
  return { text: `${object}: ${error.code}${more ? ` (${more})` : ''}` };
}
