// SPDX-License-Identifier: MIT
// Runs test files in processes of plain Node, and counts the results that they print.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { root } from './entry.mjs';

/** Runs several files in one process. Each other file is run by tsx. */
const SEVERAL = 'test/helpers/several-files.mjs';

/** Seconds for a process: the last resort, since each wait of a test has a bound of its own and says what it was for. */
const LIMIT_S = 7200;

/** @typedef {import('tap-parser').Parser} Parser */

/** Counts assertions. A subtest is closed by an assertion of its own, which repeats what was counted inside. */
export class Count {
  passed = 0;
  failed = 0;

  /**
   * @param {Parser} parser
   * @param {readonly string[]} path names of the tests around it
   * @param {(name: string) => void} [closed] called for each subtest when all up to the next one is counted
   */
  follow(parser, path = [], closed = () => {}) {
    let last = '';
    const done = () => {
      if (last) closed(last);
      last = '';
    };
    parser.on('complete', done);
    /** @type {{ before: number } | undefined} */
    let child;
    parser.on('child', (inner) => {
      done();
      child = { before: this.failed };
      this.follow(inner, [...path, inner.name || '']);
    });
    parser.on('assert', (result) => {
      const closes = child;
      child = undefined;
      // a test that died has no failed assertion inside, so its closing one counts
      const isCounted = closes && (result.ok || this.failed > closes.before);
      if (!isCounted) {
        if (result.ok && !result.skip && !result.todo) this.passed++;
        else this.fail([...path, result.name].join(' > '), result.diag);
      }
      if (closes) last = result.name;
    });
  }

  /**
   * @param {string} name
   * @param {unknown} [details]
   */
  fail(name, details) {
    this.failed++;
    process.stdout.write(`not ok: ${name}\n`);
    if (details) process.stdout.write(`${JSON.stringify(details, undefined, 2)}\n`);
  }

  /** @param {Count} other */
  add({ passed, failed }) {
    this.passed += passed;
    this.failed += failed;
  }
}

/** What the kernel counts processor time in, for programs: 1/100 s on every machine. */
const TICKS_PER_SECOND = 100;

/**
 * Seconds of processor time: of a process, and of those that it has started and waited for, with their own.
 *
 * @param {number | 'self'} pid
 */
function processorTime(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // the second field is the name, which may have spaces
  const [user, system, usersOfChildren, systemOfChildren] = stat
    .slice(stat.lastIndexOf(')'))
    .split(' ')
    .slice(12, 16)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  return {
    own: Number(user) + Number(system),
    ended: Number(usersOfChildren) + Number(systemOfChildren),
  };
}

/** @param {ReturnType<typeof processorTime>} time */
const sum = ({ own, ended }) => own + ended;

/**
 * What a run has taken, for people and for programs that compare runs.
 *
 * @param {number} seconds
 * @param {number} processor seconds of processor time
 */
export const taken = (seconds, processor) => `${seconds.toFixed(1)} s, processor ${processor.toFixed(1)} s`;

/** Seconds and processor time of this process and all that it has waited for, since its start. */
export function takenSoFar() {
  return taken(performance.now() / 1000, sum(processorTime('self')));
}

/** Processes of tests that run now. */
/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * Ends the tests that run, for a signal that only this process got.
 *
 * @param {NodeJS.Signals} signal
 */
export function endTests(signal) {
  for (const child of running) child.kill(signal);
}

/** Processor time of what has ended, as far as it has been assigned to a process. */
let assigned = 0;

/**
 * Where tests run, if not as this process does.
 *
 * @typedef {object} Surroundings
 * @property {string} [node] the program Node
 * @property {Record<string, string>} [env] added to the environment
 * @property {string} [label] what this is, for the line of each file
 */

/**
 * Runs one process, prints one line for each of its files, and all details of failed assertions.
 *
 * @param {readonly string[]} files
 * @param {Count} total
 * @param {Surroundings} [surroundings]
 */
async function runProcess(files, total, { node = process.execPath, env = {}, label } = {}) {
  const { Parser } = await import('tap-parser');
  const parser = new Parser();
  const count = new Count();
  const open = new Set(files);
  const now = () => ({
    passed: count.passed,
    failed: count.failed,
    seconds: performance.now() / 1000,
    processor: whole ?? sum(processorTime(child.pid ?? 'self')),
  });
  /** @param {string} file */
  const closed = (file) => {
    if (!open.delete(file)) return;
    const end = now();
    const passed = end.passed - told.passed;
    const failed = end.failed - told.failed;
    const time = taken(end.seconds - told.seconds, end.processor - told.processor);
    told = end;
    process.stdout.write(
      `${failed ? 'FAILED' : 'ok    '} ${file}${label ? ` (${label})` : ''}: ${passed} passed, ${failed} failed, ${time}\n`,
    );
  };
  const [only] = files.length === 1 ? files : [];
  if (only) count.follow(parser, [only]);
  else count.follow(parser, [], closed);

  const child = spawn(node, [only ? '--import=tsx' : SEVERAL, ...files], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env, TAP_TIMEOUT: String(LIMIT_S) },
  });
  running.add(child);
  let told = { passed: 0, failed: 0, seconds: performance.now() / 1000, processor: 0 };
  /**
   * Processor time of the process, when it has ended. Of two that end at the same moment, one gets the time of both.
   *
   * @type {number | undefined}
   */
  let whole;
  child.once('exit', () => {
    const { ended } = processorTime('self');
    whole = ended - assigned;
    assigned = ended;
  });
  // tap keeps the limit itself, unless the process does not get round to it
  const limit = setTimeout(() => child.kill('SIGKILL'), (LIMIT_S + 60) * 1000);
  const isParsed = new Promise((resolve) => parser.once('complete', resolve));
  child.stdout.pipe(parser);
  const ending = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(status ?? signal));
  });
  clearTimeout(limit);
  running.delete(child);
  if (!child.stdout.readableEnded) parser.end();
  await isParsed;
  if (only) {
    if (count.passed + count.failed === 0) count.fail(only, 'no assertions');
    if (ending !== 0 && count.failed === 0) count.fail(only, `ended with ${ending}`);
    closed(only);
  } else {
    const [first] = open;
    for (const file of open) {
      count.fail(file, `its process ended with ${ending} ${file === first ? 'in it' : `in ${first}`}`);
      closed(file);
    }
    if (ending !== 0 && count.failed === 0) count.fail(files.join(' '), `ended with ${ending}`);
  }
  total.add(count);
}

/** Bytes of memory for a guest, and for what else its test starts. */
const GUEST = 4 * 2 ** 30;

/**
 * How many processes of tests may run when one of this kind starts. Those of other kinds than `unit` also wait, for guests
 * and for what they start, so it takes four of them to keep two processors busy.
 *
 * @param {import('./tests.mjs').Kind} kind
 */
export function jobsFor(kind) {
  if (kind === 'unit') return availableParallelism();
  return kind === 'fast' ? 3 : Math.min(4, Math.max(2, Math.floor(totalmem() / GUEST) - 1));
}

/**
 * Runs processes of tests, in that order.
 *
 * @param {readonly (readonly string[])[]} processes the files of each
 * @param {Count} total
 * @param {(files: readonly string[]) => number} jobs how many may run when this one starts, itself included
 * @param {Surroundings} [surroundings]
 */
export async function runTests(processes, total, jobs, surroundings) {
  assigned = processorTime('self').ended;
  /** @type {Set<Promise<void>>} */
  const pending = new Set();
  for (const files of processes) {
    while (pending.size >= jobs(files)) await Promise.race(pending);
    const one = runProcess(files, total, surroundings).finally(() => pending.delete(one));
    pending.add(one);
  }
  await Promise.all(pending);
}
