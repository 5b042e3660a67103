// SPDX-License-Identifier: MIT

/** What the connection was doing when it failed. */
export type NetlinkOperation =
  | 'load netlink addon'
  | 'open socket'
  | 'send'
  | 'receive'
  | 'decode'
  | 'resolve family'
  | 'request'
  | 'dump';

/**
 * Codes of conditions that the client detects itself. They begin with ERR_, as Node's own codes do, so that none can be
 * mistaken for an errno: the kernel can also answer a request with ETIMEDOUT, for example.
 */
export type LocalCode =
  /** no reply within the deadline */
  | 'ERR_TIMEOUT'
  /** the connection was closed while the request was pending, or before it was made */
  | 'ERR_CLOSED'
  /** a datagram was larger than the receive buffer (`MSG_TRUNC`) */
  | 'ERR_TRUNCATED'
  /** NLMSG_OVERRUN: the kernel lost data */
  | 'ERR_OVERRUN'
  /** a reply that does not follow its declared layout, or the rules of netlink */
  | 'ERR_MALFORMED'
  /** a table changed while it was read (NLM_F_DUMP_INTR), at each retry */
  | 'ERR_INTERRUPTED'
  /** the native part of the `netlink` package is missing */
  | 'ERR_NO_ADDON'
  /** a recording does not contain the answer */
  | 'ERR_NOT_RECORDED'
  /** the system did not say why a call failed */
  | 'ERR_UNKNOWN';

export interface NetlinkErrorFields {
  op: NetlinkOperation;
  /** errno name ("ENOENT"), a {@link LocalCode}, or the code of an error of Node or the addon */
  code: LocalCode | (string & {});
  /** positive errno of the kernel or of a system call; absent for local codes */
  errno?: number | undefined;
  /** generic netlink family, or "SOCK_DIAG" */
  family?: string | undefined;
  /** command as the kernel header spells it, without prefix ("ADD_UEID") */
  command?: string | undefined;
  /** text of the kernel's extended acknowledgement, when one was sent */
  kernelMessage?: string | undefined;
  /** more about a local failure, e.g. the attribute that is malformed */
  detail?: string | undefined;
  cause?: unknown;
}

/**
 * The one error that leaves `src/netlink`. It has no message for users: `smc/explain.ts` makes one
 * from (op, code, command). Programs read the fields.
 */
export class NetlinkError extends Error {
  readonly op: NetlinkOperation;
  readonly code: string;
  readonly errno: number | undefined;
  readonly family: string | undefined;
  readonly command: string | undefined;
  readonly kernelMessage: string | undefined;
  readonly detail: string | undefined;

  constructor(fields: NetlinkErrorFields) {
    const object = [fields.family, fields.command].filter(Boolean).join(' ');
    const more = fields.detail ?? fields.kernelMessage;
    super(`${fields.op}${object ? ` ${object}` : ''}: ${fields.code}${more ? ` (${more})` : ''}`, {
      cause: fields.cause,
    });
    this.op = fields.op;
    this.code = fields.code;
    this.errno = fields.errno;
    this.family = fields.family;
    this.command = fields.command;
    this.kernelMessage = fields.kernelMessage;
    this.detail = fields.detail;
  }
}
// On the prototype, as for Node's own errors: not an own property of each instance.
NetlinkError.prototype.name = 'NetlinkError';
