// SPDX-License-Identifier: MIT
/**
 * Runs several test files in this process, one after the other, each as a subtest with its name:
 * `node test/helpers/several-files.mjs FILE…`. A file that leaves the process changed has failed, because the next one
 * would run in another surrounding than alone.
 *
 * The files become one bundle, with all of src/ that they import. tsx would send each import, also the second of the same
 * file and those that commands make while they run, through a thread: that took more time than the tests.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { build, stop } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

// tap makes the names of directories for tests of the arguments, which would be too long: it must not see them
const names = process.argv.splice(2);
const { t } = await import('tap');

/** Tests by the name of their file, which gets the subtest for `tap`, and not the root of the process. */
const tests = new Map();
Object.assign(globalThis, { testsOfFiles: tests });

/** @type {import('esbuild').Plugin} */
const testFiles = {
  name: 'test-files',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^tap$/ }, ({ importer }) => {
      const name = relative(root, importer);
      return names.includes(name) ? { path: name, namespace: 'tap' } : undefined;
    });
    onLoad({ filter: /.*/, namespace: 'tap' }, ({ path }) => ({
      contents: `export default globalThis.testsOfFiles.get(${JSON.stringify(path)});`,
    }));
    // a file finds others by its own place, not by that of the bundle
    onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => {
      if (path.includes('/node_modules/')) return undefined;
      const url = JSON.stringify(pathToFileURL(path).href);
      const contents = readFileSync(path, 'utf8').replaceAll('import.meta.url', url);
      return { contents, loader: path.endsWith('ts') ? 'ts' : 'js' };
    });
  },
};

const made = [];
process.on('exit', () => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** A directory of our own that is gone when the process has ended; if that was killed, when the next one starts. */
function directoryFor(base, prefix) {
  mkdirSync(base, { recursive: true });
  for (const name of readdirSync(base).filter((name) => name.startsWith(prefix))) {
    const [owner = ''] = name.slice(prefix.length).split('-');
    if (/^\d+$/.test(owner) && !existsSync(`/proc/${owner}`))
      rmSync(join(base, name), { recursive: true, force: true });
  }
  const directory = mkdtempSync(join(base, `${prefix}${process.pid}-`));
  made.push(directory);
  return directory;
}

/**
 * Bundles the files.
 *
 * @returns {Promise<() => Promise<unknown>[]>} a function per file that runs it
 */
async function bundled() {
  // in the checkout, where packages are found
  const outdir = directoryFor(join(root, '.tap'), 'bundle-');
  const imports = names.map((name) => `() => import(${JSON.stringify(`./${name}`)})`);
  await build({
    absWorkingDir: root,
    stdin: { contents: `export default [${imports.join(', ')}];`, resolveDir: root },
    bundle: true,
    splitting: true,
    format: 'esm',
    outdir,
    entryNames: 'files',
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    packages: 'external',
    target: `node${process.versions.node}`,
    keepNames: true,
    sourcemap: 'linked',
    plugins: [testFiles],
    logLevel: 'silent',
  });
  stop();
  return (await import(pathToFileURL(join(outdir, 'files.mjs')).href)).default;
}

/** Where files are made and removed without a disk; most tests make many. Other programs may have little place there. */
const MEMORY = '/dev/shm';
const ENOUGH = 512 << 20;

/** Puts temporary files into memory, if there is such a place and programs can be started in it. */
function useMemory() {
  const [, , type, options = ''] =
    readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .findLast(([, place]) => place === MEMORY) ?? [];
  if (type !== 'tmpfs' || options.split(',').some((option) => option === 'noexec' || option === 'ro')) return;
  const { bavail, bsize } = statfsSync(MEMORY);
  if (bavail * bsize < ENOUGH || process.env.TMPDIR !== undefined) return;
  try {
    process.env.TMPDIR = directoryFor(MEMORY, 'smc-tools-tests-');
    chmodSync(process.env.TMPDIR, 0o755); // tests also become another user
  } catch {
    // not for us
  }
}

/** What tests of a process share. */
function surroundings() {
  const umask = process.umask(0);
  process.umask(umask);
  return {
    directory: process.cwd(),
    umask,
    environment: { ...process.env },
    stackTraceLimit: Error.stackTraceLimit,
    exitCode: process.exitCode,
    title: process.title,
  };
}

process.setSourceMapsEnabled(true);
useMemory();
const runs = await bundled();
for (const [at, name] of names.entries()) {
  const before = surroundings();
  await t.test(name, async (t) => {
    tests.set(name, t);
    await runs[at]();
  });
  const after = surroundings();
  for (const key of Object.keys(before).filter((key) => !isDeepStrictEqual(before[key], after[key])))
    t.fail(
      `${name} leaves its process with another ${key}: undo that, or write "// Runs alone: WHY" at its top`,
    );
}
