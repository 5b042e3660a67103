// SPDX-License-Identifier: MIT
// Which test files there are, what each needs, and which share a process. Decided by folder: no file is named here.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './entry.mjs';

/**
 * What a test file needs: `unit` no more than the npm packages, `fast` the build and Debian packages, `guest` a guest.
 *
 * @typedef {'unit' | 'fast' | 'guest'} Kind
 */

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

/**
 * Unit tests are those in the folders that mirror src/, and those of the whole tree, which lie at the top of test/.
 *
 * @param {string} file as of `testFiles`
 * @returns {Kind}
 */
export function kindOf(file) {
  const [, folder = '', ...inside] = file.split('/');
  if (folder === 'vm') return 'guest';
  return inside.length === 0 || existsSync(join(root, 'src', folder)) ? 'unit' : 'fast';
}

/**
 * The processes that test files run in, each as the list of its files. The unit tests of a folder share one, because a
 * process takes more time to start than most of them take to run.
 *
 * @param {readonly string[]} files
 * @returns {string[][]}
 */
export function processesFor(files) {
  /** @type {Map<string, string[]>} */
  const processes = new Map();
  for (const file of files) {
    const isAlone = kindOf(file) !== 'unit' || RUNS_ALONE.test(readFileSync(join(root, file), 'utf8'));
    const name = isAlone ? file : file.split('/').slice(0, -1).slice(0, 2).join('/');
    processes.set(name, [...(processes.get(name) ?? []), file]);
  }
  return [...processes.values()];
}
