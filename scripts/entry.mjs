// SPDX-License-Identifier: MIT
// What the entry points of the checkout share: lines on stderr, progress, failures in one line, and where things are
// kept. Node built-ins only, since on a fresh clone nothing else is there.
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** A failure whose message is all there is to know, with what to do about it: no details are kept. */
export class Problem extends Error {
  /** @override */
  name = 'Problem';
}

/** Where fetched things and logs are kept, outside the source tree. */
export function cacheBase() {
  return (
    process.env.SMC_TOOLS_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'smc-tools')
  );
}

/**
 * Writes one line on stderr: stdout belongs to results.
 *
 * @param {string} who
 * @param {string} text
 */
export function say(who, text) {
  process.stderr.write(`${who}: ${text}\n`);
}

const TICK_MS = 10_000;

/**
 * The steps under way; only the innermost one speaks.
 *
 * @type {{ detail: string }[]}
 */
const steps = [];

/**
 * Runs a step that may take long: says that it begins, every ten seconds how long it has run, and at its end how long
 * it took. `work` gets a function that takes a word on how far it is, for the next such line.
 *
 * @template T
 * @param {string} who
 * @param {string} what
 * @param {(tell: (detail: string) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(who, what, work, tickMs = TICK_MS) {
  const begin = performance.now();
  /** @param {number} digits */
  const seconds = (digits) => `${((performance.now() - begin) / 1000).toFixed(digits)} s`;
  const own = { detail: '' };
  say(who, `${what} …`);
  steps.push(own);
  const ticking = setInterval(() => {
    if (steps.at(-1) === own) say(who, `${what}: ${seconds(0)} so far${own.detail ? `, ${own.detail}` : ''}`);
  }, tickMs);
  try {
    const result = await work((detail) => {
      own.detail = detail;
    });
    say(who, `${what}: done in ${seconds(1)}`);
    return result;
  } finally {
    clearInterval(ticking);
    steps.splice(steps.indexOf(own), 1);
  }
}

/**
 * What an error says, in one line: a message that ends with a colon is followed by the last line of what it quotes.
 *
 * @param {unknown} error
 */
export function oneLine(error) {
  const message = error instanceof Error ? error.message : String(error);
  const [first = '', ...others] = message
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  return first.endsWith(':') && others.length > 0 ? `${first} ${others.at(-1)}` : first;
}

/**
 * Keeps a text for who wants to know more.
 *
 * @param {string} name
 * @param {string} text
 * @returns the file, or nothing when it cannot be written
 */
export function keepDetails(name, text) {
  const directory = join(cacheBase(), 'logs');
  const file = join(directory, `${name.replace(/\W+/g, '-')}.log`);
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, text);
    return file;
  } catch {
    // no space, perhaps: then the one line has to do
    return undefined;
  }
}

/**
 * Tells a failure in one line on stderr, and names the file that has the rest.
 *
 * @param {string} name
 * @param {unknown} error
 */
export function tellFailure(name, error) {
  // not instanceof: a loader of TypeScript may have this module twice
  const isAll = error instanceof Error && error.name === 'Problem' && !error.cause;
  const file = isAll ? undefined : keepDetails(name, `${inspect(error, { depth: 6 })}\n`);
  say(name, `${oneLine(error)}${file ? ` (details: ${file})` : ''}`);
}
