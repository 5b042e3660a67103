// SPDX-License-Identifier: MIT
/** What is wrong with a file, and where. */

/** A place in a text, both from 1. */
export interface Place {
  line: number;
  column: number;
}

/** Something that is wrong with a file. */
export interface Problem extends Place {
  /** a clause: what is wrong */
  message: string;
  /** what is allowed, or what to do */
  hint?: string | undefined;
}

/** A file that cannot be used. */
export class FileError extends Error {
  /** as it is called in messages */
  readonly file: string;
  /** in the order of their places */
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super(`${file} has ${problems.length} mistakes`);
    this.file = file;
    this.problems = [...problems].sort((one, other) => one.line - other.line || one.column - other.column);
  }
}
FileError.prototype.name = 'FileError';
