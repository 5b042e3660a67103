// SPDX-License-Identifier: MIT
/** Runs a command in this process, with streams in memory. */

import type { Io } from '../../src/cli/io.ts';
import { type CommandDefinition, type Environment, run } from '../../src/cli/run.ts';
import { validate } from './schemas.ts';

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions extends Omit<Environment, 'io'> {
  /** standard output is a terminal */
  terminal?: boolean;
  /** its width in characters */
  columns?: number;
  env?: Record<string, string>;
}

/** @param argv words after the command's name, or one string that is split at blanks */
export async function runCommand(
  command: CommandDefinition,
  argv: readonly string[] | string = [],
  options: RunOptions = {},
): Promise<Outcome> {
  const outcome: Outcome = { status: -1, stdout: '', stderr: '' };
  const io: Io = {
    write: (text) => {
      outcome.stdout += text;
    },
    flush: () => {},
    error: (line) => {
      outcome.stderr += `${line}\n`;
    },
    isTerminal: options.terminal ?? false,
    columns: options.columns,
    env: options.env ?? {},
  };
  const words = typeof argv === 'string' ? argv.split(' ').filter(Boolean) : argv;
  outcome.status = await run(command, words, { ...options, io });
  // in every test, JSON output must match its schema
  if (outcome.stdout.startsWith('{')) {
    const mistakes = validate([command.name, ...words], outcome.stdout);
    if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  }
  return outcome;
}
