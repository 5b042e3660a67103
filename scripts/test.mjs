#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npm test [-- [--fast | --unit | --long | --s390x] [file…]]: installs and builds what the tests take, then runs the checks
// and the tests. --fast leaves out the guest, --unit all that takes more than the npm packages, and --long adds what takes
// long. --s390x is for the tests in guests for s390x alone.
// The last line is `N passed, N failed`, counted from the results themselves.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root, say as sayFor, tellFailure } from './entry.mjs';
import { Count, endTests, jobsFor, runTests, takenSoFar } from './run-tests.mjs';
import { endSetUp, setUp } from './setup.mjs';
import { kindOf, processesFor, testFiles } from './tests.mjs';

const words = process.argv.slice(2);
const unit = words.includes('--unit');
const fast = words.includes('--fast');
const long = words.includes('--long');
const s390x = words.includes('--s390x');
const chosen = words
  .filter((word) => !word.startsWith('--'))
  .map((word) => relative(root, join(process.cwd(), word)));

const count = new Count();
/** @param {string} text */
const say = (text) => sayFor('test', text);

/**
 * The kinds of tests that this is to run, in that order: whatever is quick comes first.
 *
 * @type {import('./tests.mjs').Kind[]}
 */
const KINDS = unit
  ? ['unit']
  : fast
    ? ['unit', 'fast']
    : s390x
      ? ['s390x']
      : ['unit', 'fast', 'guest', ...(long || chosen.length > 0 ? /** @type {const} */ (['long']) : [])];

/** The files to run. */
const files = KINDS.flatMap((kind) =>
  (chosen.length > 0 ? chosen : testFiles()).filter((file) => kindOf(file) === kind),
);

/**
 * Debian packages for tests of these kinds, see test/vm/packages.ts.
 *
 * @param {Set<string>} kinds
 * @returns {import('../test/vm/packages.ts').Use[]}
 */
function usesFor(kinds) {
  /** @type {import('../test/vm/packages.ts').Use[]} */
  const uses = [];
  const guest = kinds.has('guest') || kinds.has('long');
  if (kinds.has('fast') || guest) uses.push('build', 'build-32');
  if (kinds.has('fast')) uses.push('fast-tests');
  if (guest) uses.push('guest', 'transfer', 'smcd-kernel', 'guest-tests');
  if (kinds.has('s390x')) uses.push('build', 'build-s390x', 'guest', 'guest-s390x', 'smcd-kernel');
  return uses;
}

/** What a first run fetches, said before it begins. */
const FIRST = {
  unit: 'first run, which fetches what is missing of 150 MB of npm packages: as a rule under a minute',
  fast: 'first run, which fetches what is missing of 150 MB of npm packages and 400 MB of Debian packages: as a rule 4 minutes before the first test',
  guest:
    'first run, which fetches what is missing of 150 MB of npm packages, 570 MB of Debian packages and 350 MB for kernels: as a rule 8 minutes beside the tests',
  s390x:
    'first run, which fetches what is missing of 150 MB of npm packages, 170 MB of Debian packages and 370 MB for the guest, and builds a module: as a rule 8 minutes beside the tests',
};

/**
 * @param {string} what
 * @param {string} program in node_modules
 * @param {string[]} args
 */
function check(what, program, args) {
  say(`${what} …`);
  const { status, stdout, stderr } = spawnSync(join('node_modules/.bin', program), args, {
    cwd: root,
    encoding: 'utf8',
  });
  if (status === 0) count.passed++;
  else count.fail(what, `${stdout}${stderr}`.slice(0, 20_000));
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  const interrupted = () => {
    process.off(signal, interrupted);
    endSetUp(signal);
    endTests(signal);
    process.kill(process.pid, signal);
  };
  process.on(signal, interrupted);
}

try {
  for (const file of chosen.filter((file) => !existsSync(join(root, file))))
    count.fail(file, 'there is no such file');
  for (const file of chosen.filter((file) => unit && kindOf(file) !== 'unit'))
    count.fail(file, `not a unit test, so it takes a set-up: npm test -- ${file}`);
  for (const file of chosen.filter((file) => !unit && (kindOf(file) === 's390x') !== s390x))
    count.fail(file, `run it by: npm ${s390x ? 'test' : 'run test:s390x'} -- ${file}`);
  if (count.failed === 0) {
    const kinds = new Set(files.map(kindOf));
    const most = s390x
      ? 's390x'
      : kinds.has('guest') || kinds.has('long')
        ? 'guest'
        : kinds.has('fast')
          ? 'fast'
          : 'unit';
    await setUp({
      uses: usesFor(kinds),
      build: most === 'unit' ? 'C part' : 'always',
      first: FIRST[most],
    });
    if (chosen.length === 0 && !unit && !s390x) {
      check('formatter and linter (biome)', 'biome', ['check', '.']);
      check('types (tsc)', 'tsc', ['-p', '.']);
      check('types of the page (tsc)', 'tsc', ['-p', 'src/commands/smc_exporter/page/client']);
    }
    if (long) {
      // see test/helpers/long.ts and test/helpers/fuzz.ts
      process.env.SMC_TOOLS_LONG = '1';
      process.env.FUZZ_CASES ??= 'long';
    }
    const ofKinds = KINDS.map((kind) => files.filter((file) => kindOf(file) === kind));
    if (chosen.length === 0)
      say(`test files: ${KINDS.map((kind, at) => `${ofKinds[at]?.length} ${kind}`).join(', ')} …`);
    const processes = ofKinds.flatMap((some) => processesFor(some));
    await runTests(processes, count, ([file = '']) => jobsFor(kindOf(file)));
  }
} catch (error) {
  count.fail('set-up');
  tellFailure('test', error);
}
process.stdout.write(`# all of it: ${takenSoFar()}\n`);
process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
