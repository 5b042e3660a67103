// SPDX-License-Identifier: MIT
// What is killed by SIGKILL leaves nothing running, not even what went into sessions of its own: tests, and
// `npm run test:busy`. Needs `npm run build`.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { tied } from '../helpers/tied.ts';
import { waitUntil } from '../helpers/wait.ts';
import { compile, scratchDir } from '../native/helpers.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const subreaper = compile(join(scratchDir(t), 'subreaper'), [path('../helpers/subreaper.c')]);

const read = (file: string): string => {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // ended meanwhile
  }
};

/** Process IDs of all descendants of a process. */
const descendants = (pid: number): number[] =>
  read(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter(Boolean)
    .flatMap((child) => [Number(child), ...descendants(Number(child))]);

const commandLines = (pid: number): string[] =>
  descendants(pid).map((one) => read(`/proc/${one}/cmdline`).replaceAll('\0', ' ').trim());

const count = (lines: readonly string[], line: string): number =>
  lines.filter((other) => other === line).length;

/** A Node under the subreaper, which inherits what Node leaves behind and stays until nothing is left. */
function start(t: Test, argv: readonly string[], env = {}): ChildProcess & { pid: number } {
  const child = spawn(...tied(subreaper, [process.execPath, ...argv]), {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  }) as ChildProcess & { pid: number };
  t.teardown(() => {
    for (const one of child.exitCode === null ? [...descendants(child.pid), child.pid] : [])
      process.kill(one, 'SIGKILL');
  });
  return child;
}

/** Kills the Node by SIGKILL and waits for the end of all it has started. */
async function nothingIsLeft(t: Test, child: ChildProcess & { pid: number }): Promise<void> {
  child.stdin!.end();
  await waitUntil('the end of all processes', () => child.exitCode !== null, {
    seconds: 300,
    seen: () => commandLines(child.pid),
  });
  t.equal(child.exitCode, 0);
}

t.test('a test', async (t) => {
  const child = start(t, ['--import=tsx', path('../helpers/endless.ts')]);
  const sleeping = (): boolean => count(commandLines(child.pid), 'sleep infinity') === 5;
  await waitUntil('five programs', sleeping, { seen: () => commandLines(child.pid) });
  t.ok(
    commandLines(child.pid).some((line) => line.startsWith('smc-launch ')),
    'the launcher is with some of them',
  );
  await nothingIsLeft(t, child);
});

t.test('test:busy', async (t) => {
  const directory = scratchDir(t);
  /** Runs it with something else in place of npm. */
  const busy = (npm: string): ChildProcess & { pid: number } => {
    writeFileSync(join(directory, 'npm'), `#!/bin/sh\n${npm}\n`);
    chmodSync(join(directory, 'npm'), 0o755);
    // more than the machine has: so several processes are added
    const words = [
      path('../../scripts/busy.mjs'),
      '--load',
      String(3 + Math.ceil(loadavg()[0]!)),
      'demo',
      'test/one.test.ts',
    ];
    return start(t, words, { PATH: `${directory}:${process.env['PATH']}` });
  };
  const burners = (child: { pid: number }): number =>
    count(commandLines(child.pid), 'sh -c while :; do :; done');

  const whole = busy('case $1 in test) echo "2 passed, 1 failed"; echo more; exit 1 ;; esac');
  let output = '';
  whole.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  // not the line of the tests, which more follows
  await waitUntil('its last line', () => /\nmore\n[\s\S]*\n\d+ passed, \d+ failed\n$/.test(output), {
    seen: () => output,
  });
  await nothingIsLeft(t, whole);
  t.match(output, /\n3 passed, 1 failed\n$/);

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    const child = busy('sleep infinity & sleep infinity');
    child.stdout!.resume();
    await waitUntil(
      'the load and the tests',
      () => burners(child) > 0 && count(commandLines(child.pid), 'sleep infinity') === 2,
      { seen: () => commandLines(child.pid) },
    );
    const [runner] = descendants(child.pid);
    process.kill(runner!, signal);
    await waitUntil(`the end after ${signal}`, () => descendants(child.pid).length === 0, {
      seen: () => commandLines(child.pid),
    });
    await nothingIsLeft(t, child);
  }
});
