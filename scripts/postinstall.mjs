// SPDX-License-Identifier: MIT
// Runs after `npm install`: puts the C part into dist/native, prebuilt where that works here and else compiled, has its
// program start the commands, and makes the code caches for this Node. None of it stops an installation: without the
// first smc_run does not work, and no command where a JIT cannot start; without the last they start a few milliseconds
// later.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative, placeStarters, targets } from '../native/build.mjs';

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const prebuilt = path(`prebuilds/linux-${process.arch}`);
const native = path('dist/native');

/**
 * Whether a prebuilt file can be used with this C library and this Node. Tried in a process of its own.
 * @param {string} file
 */
function works(file) {
  /**
   * @param {string} command
   * @param {string[]} argv
   * @param {Record<string, string>} [env]
   */
  const run = (command, argv, env) =>
    spawnSync(command, argv, { encoding: 'utf8', env: { ...process.env, ...env } });
  if (file.endsWith('.node'))
    return (
      run(process.execPath, ['-e', `process.dlopen({ exports: {} }, ${JSON.stringify(file)})`]).status === 0
    );
  if (file.endsWith('.so')) {
    const { status, stderr } = run(process.execPath, ['--version'], { LD_PRELOAD: file });
    return status === 0 && stderr === '';
  }
  // a program without its loader is not found, one of another C library is refused by the loader
  const { error, stderr } = run(file, ['--help']);
  return !error && !/GLIBC_|not found/.test(stderr);
}

/** Names of the prebuilt files that can be used here; nothing unless all of them can. */
function usable() {
  // in a checkout they may be older than the sources
  if (!existsSync(prebuilt) || existsSync(path('src'))) return [];
  // what is for programs of 32 bits is left out where it could not be built, and cannot be tried
  const isForOthers = (/** @type {string} */ name) =>
    targets.some(({ output, narrow }) => output === name && narrow);
  const files = readdirSync(prebuilt).filter((name) => !name.startsWith('.'));
  return files.every((name) => isForOthers(name) || works(join(prebuilt, name))) ? files : [];
}

async function provideNative() {
  const files = usable();
  mkdirSync(native, { recursive: true });
  for (const name of files) cpSync(join(prebuilt, name), join(native, name));
  if (files.length > 0) return;
  const { missingCompiler } = await buildNative();
  if (missingCompiler)
    console.error(
      `smc-tools: no prebuilt C part works here (linux-${process.arch}) and there is no C compiler, so smc_run will not work; all other commands do. Install a C compiler, then: node ${path('native/build.mjs')}`,
    );
}

/**
 * Replaces the scripts in bin/ by the program. Other package managers than npm put a script of their own in front of
 * each, made before we run, which calls node or a shell with the file: there the scripts stay, which find the program,
 * too. A checkout has its programs in dist/native/bin, where the build puts them.
 */
function provideStarters() {
  const start = join(native, 'smc-start');
  const isByNpm = /^npm\//.test(process.env.npm_config_user_agent ?? '');
  if (!isByNpm || existsSync(path('src')) || !existsSync(start)) return;
  const { bin } = JSON.parse(readFileSync(path('package.json'), 'utf8'));
  placeStarters(start, path('bin'), Object.keys(bin));
}

async function provideCaches() {
  const writer = path('dist/commands/write-caches.cjs');
  if (existsSync(writer)) await createRequire(import.meta.url)(writer).writeCaches();
}

/**
 * Does one of them; what goes wrong is said and stops nothing.
 * @param {string} what begins the message
 * @param {() => unknown} work
 */
async function attempt(what, work) {
  try {
    await work();
  } catch (error) {
    console.error(`smc-tools: ${what}${error instanceof Error ? error.message : error}`);
  }
}

// set by scripts/setup.mjs, which builds all of it afterwards
if (!process.env.SMC_TOOLS_NO_POSTINSTALL) {
  await attempt('', provideNative);
  await attempt('', provideStarters);
  await attempt('no code cache: ', provideCaches);
}
