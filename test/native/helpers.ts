// SPDX-License-Identifier: MIT
/** Compiling and running the C programs of these tests. Needs a C compiler (Debian: gcc, libc6-dev). */
import { type SpawnSyncOptions, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { tied } from '../helpers/tied.ts';
import { PATIENCE_S } from '../helpers/wait.ts';

export type Result = SpawnSyncReturns<string>;

/** Path of a file in this directory. */
export function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Path of a file in native/. */
export function nativeSource(name: string): string {
  return fileURLToPath(new URL(`../../native/${name}`, import.meta.url));
}

/** A directory outside the checkout that goes away with the test. */
export function scratchDir(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'smc-native-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Compiles with warnings as errors and returns the path of the program. */
export function compile(
  output: string,
  sources: string[],
  flags: string[] = [],
  compiler = process.env.CC || 'cc',
): string {
  const args = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Wshadow', '-Werror', '-pthread', ...flags];
  const { status, stderr, error } = spawnSync(compiler, [...args, '-o', output, ...sources], {
    encoding: 'utf8',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${compiler} failed on ${sources.join(' ')}\n${stderr}`);
  return output;
}

/** With these a compiler makes programs of 32 bits; the headers are those of the wide library. */
export const NARROW = ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu'];

/**
 * Whether the kernel of this machine runs programs of 32 bits: some are built without, or their host cannot. Where it
 * does not, tests see that it is said, and test/vm/smc_run.test.ts runs such programs in a guest.
 */
export function runsNarrow(program: string): boolean {
  // Node itself would have a shell read what cannot be executed
  return spawnSync('sh', ['-c', '"$0"', program]).status !== 126;
}

/**
 * Runs a command with PATH and the given variables as its whole environment. env(1) sees to that, since tap adds
 * variables of its own to every child, by which a Node has used its standard streams before our code runs.
 * A command that does not exist ends with status 127.
 */
export function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
  options: SpawnSyncOptions = {},
): Result {
  const variables = { PATH: process.env.PATH ?? '/usr/bin:/bin', ...env };
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return spawnSync(...tied('/usr/bin/env', ['-i', ...assignments, command, ...args]), {
    timeout: PATIENCE_S * 1000,
    killSignal: 'SIGKILL',
    ...options,
    encoding: 'utf8',
  });
}

/** Adopts the TAP lines of a C program as assertions of this test. */
export function adopt(t: Test, result: Result): void {
  const lines = result.stdout.split('\n');
  const skip = lines.find((line) => line.startsWith('1..0 # SKIP'));
  if (skip !== undefined) {
    t.fail(`this machine cannot run it: ${skip.slice('1..0 # SKIP '.length)}`);
    return;
  }
  const plan = lines.findLast((line) => line.startsWith('1..'));
  const checks = lines.filter((line) => /^(not )?ok /.test(line));
  t.equal(plan, `1..${checks.length}`, 'the program came to its end');
  for (const line of checks) t.ok(line.startsWith('ok '), line.replace(/^(not )?ok \d+ - /, ''));
  t.equal(result.status, 0, 'exit status');
  if (result.status !== 0) t.comment(result.stderr);
}

/** The `# name number…` lines of the tester. */
export function numbers(result: Result): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const [, name, values] of result.stdout.matchAll(/^# ([\w-]+)((?: -?\d+)+)$/gm)) {
    found[name!] = values!.trim().split(' ').map(Number);
  }
  return found;
}
