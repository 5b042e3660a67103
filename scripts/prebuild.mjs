#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Builds the prebuilt files of a package, for machines without a compiler, with Debian's cross compilers:
//     node scripts/prebuild.mjs [x64|arm64|s390x…]
// All of a machine is in prebuilds/linux-ARCH. What the compilers of any other machine need is in prebuilds/source.
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative, buildNetlink } from '../native/build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** Debian's name of each machine, with which the names of its compilers begin, by Node's name. @type {Record<string, string>} */
export const machines = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu', s390x: 's390x-linux-gnu' };

/** Where npm has put a package. */
const packageDirectory = (/** @type {string} */ name) => dirname(require.resolve(`${name}/package.json`));

/**
 * The addon of the package netlink: as it comes for x64 and arm64, else built.
 * @param {string} arch Node's name of the machine
 * @param {string} outDir
 * @param {string} [cxx] compiler command
 */
export function provideNetlink(arch, outDir, cxx = `${machines[arch]}-g++`) {
  const netlink = packageDirectory('netlink');
  const theirs = join(netlink, 'prebuilds', `linux-${arch}`, 'node.napi.node');
  mkdirSync(outDir, { recursive: true });
  if (existsSync(theirs)) copyFileSync(theirs, join(outDir, 'netlink.node'));
  else
    buildNetlink({
      outDir,
      source: join(netlink, 'src'),
      headers: [packageDirectory('node-addon-api'), join(packageDirectory('node-api-headers'), 'include')],
      cxx,
    });
}

/** What native/build.mjs needs beside compilers, for machines for which nothing is prebuilt. */
function copySources() {
  const outDir = join(root, 'prebuilds/source');
  mkdirSync(outDir, { recursive: true });
  const addonApi = packageDirectory('node-addon-api');
  for (const file of [
    join(packageDirectory('netlink'), 'src/binding.cc'),
    ...['napi.h', 'napi-inl.h', 'napi-inl.deprecated.h'].map((name) => join(addonApi, name)),
    ...['js_native_api.h', 'js_native_api_types.h', 'node_api.h', 'node_api_types.h'].map((name) =>
      join(packageDirectory('node-api-headers'), 'include', name),
    ),
  ])
    copyFileSync(file, join(outDir, basename(file)));
}

/**
 * Flags for programs that run with older C libraries than that of this machine: they contain their own copy. Otherwise a
 * program requires the one with which it was linked.
 * @param {string} arch Node's name of the machine
 */
export function oldGlibcFlags(arch) {
  // Debian's C library for s390x lacks what a static program needs to be position-independent
  return arch === 's390x' ? ['-static', '-no-pie'] : ['-static-pie'];
}

/**
 * Builds what is native for one machine.
 * @param {string} arch Node's name of the machine
 */
async function prebuild(arch) {
  const machine = machines[arch];
  if (!machine) throw new Error(`${arch} is none of ${Object.keys(machines).join(', ')}`);
  const outDir = join(root, 'prebuilds', `linux-${arch}`);
  const { missingCompiler } = await buildNative({
    outDir,
    cc: `${machine}-gcc`,
    programFlags: oldGlibcFlags(arch),
  });
  // it is made for the loaders of this machine, and npm does not pack links
  rmSync(join(outDir, 'preload'), { recursive: true, force: true });
  if (missingCompiler)
    throw new Error(`${machine}-gcc is missing: install gcc-${machine.replaceAll('_', '-')}`);
  provideNetlink(arch, outDir);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const chosen = process.argv.slice(2);
  if (chosen.length === 0) rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
  copySources();
  for (const arch of chosen.length > 0 ? chosen : Object.keys(machines)) {
    await prebuild(arch);
    console.error(`prebuild: linux-${arch}`);
  }
}
