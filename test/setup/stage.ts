// SPDX-License-Identifier: MIT
/** A checkout on a machine that is made up: the set-up's own files, and programs that only pretend. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import { root } from '../../scripts/entry.mjs';

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Stage {
  /** The checkout. */
  directory: string;
  /** Puts a script of sh on PATH, which is all of PATH but for the programs that the set-up has for granted. */
  program(name: string, script: string): void;
  /** Writes a file of the checkout. */
  file(name: string, content: string): void;
  /** Lines that programs have written to the file $LOG. */
  log(): string[];
  /** Starts Node with these words; `before` is JavaScript that runs first, in the same process. */
  start(words: readonly string[], options?: { before?: string; env?: Record<string, string> }): ChildProcess;
  /** As start, to the end. */
  run(words: readonly string[], options?: { before?: string; env?: Record<string, string> }): Promise<Ended>;
}

/** What the set-up takes for granted: all of it is essential in Debian. */
const GRANTED = ['cat', 'env', 'flock', 'grep', 'sh', 'sleep', 'touch'];

function find(name: string): string {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(directory, name));
      return join(directory, name);
    } catch {
      // then in the next one
    }
  }
  throw new Error(`there is no ${name} on PATH`);
}

/** Collects what a process writes, to its end. */
export async function ending(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
  });
  const [status, signal] = await once(child, 'close');
  return { status, signal, stdout, stderr };
}

/** @param npmPackages whether node_modules is there */
export function stage(t: Test, { npmPackages = true } = {}): Stage {
  const directory = t.testdir({ bin: {}, scripts: {}, cache: {} });
  const file = (name: string, content: string) => {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  };
  for (const name of [
    'package.json',
    'package-lock.json',
    ...['entry', 'setup', 'run'].map((s) => `scripts/${s}.mjs`),
  ])
    cpSync(join(root, name), join(directory, name));
  symlinkSync(join(root, 'test'), join(directory, 'test'));
  if (npmPackages) symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  for (const name of GRANTED) symlinkSync(find(name), join(directory, 'bin', name));
  symlinkSync(process.execPath, join(directory, 'bin/node'));

  const log = join(directory, 'log');
  const start: Stage['start'] = (words, { before = '', env = {} } = {}) => {
    file('before.mjs', before);
    return spawn(process.execPath, [`--import=${pathToFileURL(join(directory, 'before.mjs'))}`, ...words], {
      cwd: directory,
      env: { PATH: join(directory, 'bin'), SMC_TOOLS_CACHE: join(directory, 'cache'), LOG: log, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
  return {
    directory,
    file,
    program(name, script) {
      file(`bin/${name}`, `#!/bin/sh\n${script}\n`);
      chmodSync(join(directory, 'bin', name), 0o755);
    },
    log: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
    start,
    run: (words, options) => ending(start(words, options)),
  };
}

/** The last line on stderr, and that there is no stack trace above it. */
export function lastLine(t: Test, { stderr }: Ended): string {
  t.notMatch(stderr, /^ {4}at /m, 'no stack trace');
  return stderr.trimEnd().split('\n').at(-1) ?? '';
}
