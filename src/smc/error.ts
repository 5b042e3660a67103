// SPDX-License-Identifier: MIT

/** Kinds of failure that a program may want to tell apart. */
export type SmcErrorCode =
  /** a name or number that cannot be right, found before the kernel was asked */
  | 'INVALID'
  /** the object is there already, or something else is in its place */
  | 'EXISTS'
  | 'NOT_FOUND'
  /** the kernel's table has no room for another entry */
  | 'FULL'
  /** this kernel, machine or namespace cannot do it */
  | 'NOT_SUPPORTED'
  /** the kernel has no SMC at the moment */
  | 'NO_SMC';

/**
 * A failure that the domain understands: `message` is one sentence that names the object, `hint` says what to do.
 * The kernel's own answer, if there was one, is the `cause`.
 */
export class SmcError extends Error {
  readonly code: SmcErrorCode;
  readonly hint: string | undefined;

  constructor(
    code: SmcErrorCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
SmcError.prototype.name = 'SmcError';
