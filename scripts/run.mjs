#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// node scripts/run.mjs ENTRY [argument…]: what `npm run ENTRY` is. Installs what the entry point needs and no more,
// builds if something has changed, then becomes its program. Whatever goes wrong ends in one line on stderr.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, say, tellFailure } from './entry.mjs';
import { endSetUp, setUp, useTypeScript } from './setup.mjs';

/** @typedef {import('../test/vm/packages.ts').Use} Use */

/** @type {Use[]} */
const guest = ['build', 'guest'];
const FIRST =
  'first run, which fetches what is missing of 150 MB of npm packages, 80 MB of Debian packages and 110 MB for a kernel: as a rule 3 minutes';

const [name = '', ...words] = process.argv.slice(2);

/**
 * What the C part of a package takes, for the machine that the words name.
 *
 * @param {string[]} words
 * @returns {Use[]}
 */
function forMachine([arch = process.arch]) {
  if (arch !== process.arch) return ['build', /** @type {Use} */ (`build-${arch}`)];
  return arch === 'x64' ? ['build', 'build-32'] : ['build'];
}

/**
 * What the packages of all machines take.
 *
 * @param {Use[]} kinds
 * @returns {Use[]}
 */
function allMachines(...kinds) {
  return ['build', 'build-32', 'build-arm64', 'build-s390x', ...kinds];
}

/**
 * The entry points: what they need, see `setUp`, and the program.
 *
 * @type {Record<string, Parameters<typeof setUp>[0] & { program: string }>}
 */
const entries = {
  demo: {
    uses: [...guest, 'transfer'],
    first: FIRST,
    program: 'test/vm/demo.ts',
  },
  guest: {
    uses: [...guest, 'transfer'],
    first: FIRST,
    program: 'test/vm/shell.ts',
  },
  record: {
    uses: [...guest, 'scenes', 'build-s390x', 'guest-s390x'],
    program: 'test/vm/record-fixtures.ts',
  },
  'test:kernels': {
    uses: [...guest, 'transfer', 'smcd-kernel', 'kernel-build', 'kernel-tests', 'guest-tests'],
    build: 'always',
    program: 'test/kernels/run.ts',
  },
  compatibility: { uses: guest, program: 'test/vm/compatibility.ts' },
  bench: { uses: [...guest, 'scenes'], program: 'bench/run.ts' },
  'test:nodes': { uses: ['build', 'build-32', 'fast-tests'], build: 'always', program: 'test/nodes/run.ts' },
  'test:fresh': { uses: ['fresh-systems'], build: 'never', program: 'test/fresh/run.ts' },
  prepack: {
    uses: allMachines(),
    build: 'always',
    program: 'scripts/prebuild.mjs',
  },
  deb: { uses: [...forMachine(words), 'deb'], program: 'scripts/deb.mjs' },
  rpm: { uses: [...forMachine(words), 'rpm'], program: 'scripts/rpm.mjs' },
  release: { uses: allMachines('deb', 'rpm'), build: 'always', program: 'scripts/release.mjs' },
  'test:release': {
    uses: allMachines('deb', 'rpm', 'release-test'),
    build: 'never',
    program: 'test/release/run.ts',
  },
  build: { build: 'never', program: 'scripts/build.mjs' },
  'fuzz:netlink': { build: 'never', program: 'test/netlink/damaged/run.ts' },
  man: { build: 'never', program: 'scripts/man.ts' },
  schemas: { build: 'never', program: 'scripts/schemas.ts' },
  graph: { build: 'never', program: 'scripts/graph.ts' },
  screenshots: { uses: ['screenshots'], build: 'never', program: 'scripts/screenshots.ts' },
};

const entry = entries[name];

process.on('uncaughtException', (error) => {
  tellFailure(name, error);
  process.exit(1);
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  const interrupted = () => {
    say(name, `ended by ${signal}`);
    process.off(signal, interrupted);
    endSetUp(signal);
    // the program of the entry point may have listeners of its own, which clean up: they come first
    setImmediate(() => process.kill(process.pid, signal));
  };
  process.on(signal, interrupted);
}

if (!entry) {
  say('run.mjs', `${JSON.stringify(name)} is none of ${Object.keys(entries).join(', ')}`);
  process.exit(2);
}
await setUp(entry);
if (entry.program.endsWith('.ts')) await useTypeScript();
const program = join(root, entry.program);
process.argv.splice(1, 2, program);
await import(pathToFileURL(program).href);
