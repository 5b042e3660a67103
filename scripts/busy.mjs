#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npm run test:busy [-- [--all] [--load N] [--minutes N] [demo] [file…]]: the demo and tests in the guest while other
// processes keep the load of the machine at 20, as on a busy machine. By default, it runs the demo and the guest tests
// that are most likely to depend on time; --all runs all guest tests. The last line is `N passed, N failed`. Everything
// that it starts ends with it, however it ends, and at the latest after four hours.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const DEFAULT_FILES = ['bed', 'control-plane', 'smcr', 'smc_chk-live'].map(
  (name) => `test/vm/${name}.test.ts`,
);
const LOOK_EVERY_MS = 10_000;
const SAY_EVERY_MS = 60_000;

const words = process.argv.slice(2);
/**
 * @param {string} option
 * @param {number} fallback
 * @returns the value of an option, after removing both from `words`
 */
function number(option, fallback) {
  const at = words.indexOf(option);
  if (at < 0) return fallback;
  const value = Number(words.splice(at, 2)[1]);
  if (Number.isInteger(value) && value > 0) return value;
  process.stderr.write(`test:busy: ${option} takes a whole number above 0\n`);
  process.exit(2);
}
const wantedLoad = number('--load', 20);
const minutes = number('--minutes', 240);
const all = words.includes('--all');
const named = words.filter((word) => word !== '--all');
const files = all
  ? readdirSync(join(root, 'test/vm'))
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `test/vm/${name}`)
  : named.length > 0
    ? named.filter((word) => word !== 'demo')
    : DEFAULT_FILES;
const withDemo = all || named.length === 0 || named.includes('demo');

const begin = performance.now();
const elapsed = () => Math.round((performance.now() - begin) / 1000);
/** @param {string} text */
const say = (text) => process.stdout.write(`# ${text}\n`);

// ---- load ----

/**
 * Processes that only consume processor time, at most as many as the wanted load. The kernel ends them with this process.
 *
 * @type {import('node:child_process').ChildProcess[]}
 */
const burners = [];

/** The load: running and runnable processes and threads, averaged by the kernel over the last minute. */
const load = () => Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0]);

/** Other processes may also use the machine: burners only add what is missing. */
function adjust(share = 1 / 4) {
  const missing = Math.round((wantedLoad - load()) * share);
  const count = Math.max(1, Math.min(wantedLoad, burners.length + missing));
  while (burners.length > count) burners.pop()?.kill('SIGKILL');
  while (burners.length < count)
    burners.push(
      spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }),
    );
}

// ---- what runs under it ----

/** Kills a process group when this process has ended. It reads the group from a pipe; an empty line means none. */
const watcher = spawn(
  'sh',
  ['-c', 'while read -r line; do group=$line; done; [ -z "$group" ] || kill -s KILL -- "-$group"'],
  { stdio: ['pipe', 'ignore', 'ignore'], detached: true },
);
/**
 * The process group of what runs.
 *
 * @type {number | undefined}
 */
let group;
let what = '';

/**
 * Runs one of npm's scripts in a process group of its own; returns its status and output, and shows the output at once.
 *
 * @param {string} title
 * @param {string[]} argv
 */
async function run(title, argv) {
  what = title;
  // the group is written down before npm starts: this process can be killed at any time
  const child = spawn('sh', ['-c', 'echo "$$" >&3; exec 3>&-; exec npm "$@"', 'sh', ...argv], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit', watcher.stdin],
    detached: true,
  });
  group = child.pid;
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    output += text;
    process.stdout.write(text);
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  watcher.stdin.write('\n');
  group = undefined;
  return { status, output };
}

/** @param {NodeJS.Signals} [signal] */
function end(signal) {
  if (group) process.kill(-group, 'SIGKILL');
  for (const burner of burners) burner.kill('SIGKILL');
  if (signal) {
    process.off(signal, end);
    process.kill(process.pid, signal);
  }
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);

adjust(1);
let isOver = false;
const timers = [
  setInterval(() => adjust(), LOOK_EVERY_MS),
  setInterval(
    () =>
      say(
        `${Math.round(elapsed() / 60)} min, load ${load()}, ${burners.length} processes add to it, ${what}`,
      ),
    SAY_EVERY_MS,
  ),
  setTimeout(() => {
    isOver = true;
    if (group) process.kill(-group, 'SIGKILL');
  }, minutes * 60_000),
];

let passed = 0;
let failed = 0;
say(
  `${[...(withDemo ? ['demo'] : []), ...files].join(', ')} at a load of ${wantedLoad}, ${minutes} minutes at most`,
);
try {
  if (withDemo) {
    const { status } = await run('demo', ['run', '--silent', 'demo']);
    if (status === 0) passed++;
    else failed++;
    say(
      `demo: ${status === 0 ? 'passed' : `failed with status ${status}`} after ${elapsed()} s, load ${load()}`,
    );
  }
  for (const file of files) {
    if (isOver) break;
    const { status, output } = await run(file, ['test', '--silent', '--', ...(all ? ['--long'] : []), file]);
    const [, good = '0', bad = '0'] = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1) ?? [];
    passed += Number(good);
    failed += Number(bad) || (status === 0 ? 0 : 1);
    say(`${file}: ended with ${status} after ${elapsed()} s, load ${load()}`);
  }
  if (isOver) {
    failed++;
    say(`not done within ${minutes} minutes: what ran was killed, the rest has not run`);
  }
} finally {
  for (const timer of timers) clearTimeout(timer);
  end();
  watcher.stdin.end();
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
