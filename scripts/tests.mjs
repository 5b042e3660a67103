// SPDX-License-Identifier: MIT
// Which test files there are, what each needs, and which share a process. Decided by folder: no file is named here.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './entry.mjs';

/**
 * What a test file needs: `unit` no more than the npm packages, `fast` the build and Debian packages, `guest` a guest,
 * `long` a guest, and more time than `npm test` has, `s390x` a guest for s390x, which takes longer still.
 *
 * @typedef {'unit' | 'fast' | 'guest' | 'long' | 's390x'} Kind
 */

/** A guest test with such a comment runs only if it is asked for, and in `npm run test:long`. */
const LONG = /^\/\/ Long: /m;

/** A file with such a comment changes what all tests of a process share, and runs in a process of its own. */
const RUNS_ALONE = /^\/\/ Runs alone: /m;

/**
 * All test files, as paths below the checkout.
 *
 * @returns {string[]}
 */
export function testFiles(directory = 'test') {
  return readdirSync(join(root, directory), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === 'fixtures' ? [] : testFiles(path);
      return entry.name.endsWith('.test.ts') ? [path] : [];
    })
    .sort();
}

/** @param {string} file a missing one is empty */
function textOf(file) {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/**
 * Unit tests are those in the folders that mirror src/, and those of the whole tree, which lie at the top of test/.
 *
 * @param {string} file as of `testFiles`
 * @returns {Kind}
 */
export function kindOf(file) {
  const [, folder = '', ...inside] = file.split('/');
  if (folder === 's390x') return 's390x';
  if (folder === 'vm') return LONG.test(textOf(file)) ? 'long' : 'guest';
  return inside.length === 0 || existsSync(join(root, 'src', folder)) ? 'unit' : 'fast';
}

/**
 * The processes that test files run in, each as the list of its files. The unit tests of a folder share one, because a
 * process takes more time to start than most of them take to run. A file with more text takes longer, as a rule; the
 * longest come first, so that no processor waits for the last one.
 *
 * @param {readonly string[]} files
 * @returns {string[][]}
 */
export function processesFor(files) {
  /** @type {Map<string, string[]>} */
  const processes = new Map();
  for (const file of files) {
    const isAlone = kindOf(file) !== 'unit' || RUNS_ALONE.test(textOf(file));
    const name = isAlone ? file : file.split('/').slice(0, -1).slice(0, 2).join('/');
    processes.set(name, [...(processes.get(name) ?? []), file]);
  }
  /** @param {readonly string[]} some */
  const size = (some) => some.reduce((sum, file) => sum + statSync(join(root, file)).size, 0);
  return [...processes.values()].sort((a, b) => size(b) - size(a));
}
