// SPDX-License-Identifier: MIT

/** Why a file or directory is not used: one sentence without the path. */
export class UntrustedError extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}
UntrustedError.prototype.name = 'UntrustedError';
