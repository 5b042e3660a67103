#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Builds the prebuilt files of a package, for machines without a compiler, with Debian's cross compilers:
//     node scripts/prebuild.mjs [x64|arm64|s390x…]
// The C part is written to prebuilds/linux-ARCH. The npm package netlink, which we bundle, includes its addon for x64 and
// arm64; for s390x it is built here and added to them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative } from '../native/build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** Debian's name of each machine, with which the names of its compilers begin, by Node's name. @type {Record<string, string>} */
export const machines = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu', s390x: 's390x-linux-gnu' };

/** The headers of libuv. They come with Node or in a package of their own, and are the same for all machines. */
function uvHeaders() {
  const beside = resolve(dirname(process.execPath), '../include/node');
  if (existsSync(join(beside, 'uv.h'))) return beside;
  if (!existsSync('/usr/include/uv.h'))
    throw new Error('there is no uv.h: install the headers of Node (Debian: libuv1-dev)');
  // the other headers in that directory are for this machine
  const own = join(root, 'prebuilds/uv');
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  for (const name of ['uv.h', 'uv']) symlinkSync(join('/usr/include', name), join(own, name));
  return own;
}

/** The compiler expects this symbol in the C++ library of GCC 11 or newer; all other symbols are in older ones, too. */
const NEW_FUNCTION = `#include <new>
namespace std { void __throw_bad_array_new_length() { throw bad_array_new_length(); } }
`;

/**
 * As node-gyp would build it.
 * @param {string} arch Node's name of the machine
 * @param {string} compiler
 */
function buildNetlink(arch, compiler) {
  const source = dirname(require.resolve('netlink/package.json'));
  const output = join(source, 'prebuilds', `linux-${arch}`, 'node.napi.node');
  const include = [require('node-addon-api').include_dir, require('node-api-headers').include_dir];
  const definitions = ['NODE_GYP_MODULE_NAME=netlink_binding', 'BUILDING_NODE_EXTENSION', 'NAPI_VERSION=8'];
  mkdirSync(dirname(output), { recursive: true });
  const { status, error, stderr } = spawnSync(
    compiler,
    [
      ...['-std=gnu++17', '-O2', '-fPIC', '-shared', '-s'],
      ...['-fvisibility=hidden', '-Wl,-z,relro,-z,now,-z,noexecstack'],
      ...definitions.map((definition) => `-D${definition}`),
      ...[...include, uvHeaders()].flatMap((directory) => ['-isystem', directory.replaceAll('"', '')]),
      ...['-o', output, join(source, 'src/binding.cc'), '-x', 'c++', '-'],
    ],
    { encoding: 'utf8', input: NEW_FUNCTION },
  );
  if (status !== 0) throw new Error(`${compiler} failed: ${error?.message ?? stderr}`);
}

/**
 * Builds the C part for one machine, and for s390x the addon of netlink.
 * @param {string} arch Node's name of the machine
 */
export async function prebuild(arch) {
  const machine = machines[arch];
  if (!machine) throw new Error(`${arch} is none of ${Object.keys(machines).join(', ')}`);
  const outDir = join(root, 'prebuilds', `linux-${arch}`);
  // a program requires the newest C library with which it was linked, unless it contains its own copy
  const { missingCompiler } = await buildNative({
    outDir,
    cc: `${machine}-gcc`,
    // Debian's C library for s390x lacks what a static program needs to be position-independent
    programFlags: arch === 's390x' ? ['-static', '-no-pie'] : ['-static-pie'],
  });
  // it is made for the loaders of this machine, and npm does not pack links
  rmSync(join(outDir, 'preload'), { recursive: true, force: true });
  if (missingCompiler)
    throw new Error(`${machine}-gcc is missing: install gcc-${machine.replaceAll('_', '-')}`);
  if (arch === 's390x') buildNetlink(arch, `${machine}-g++`);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const chosen = process.argv.slice(2);
  if (chosen.length === 0) rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
  for (const arch of chosen.length > 0 ? chosen : Object.keys(machines)) {
    await prebuild(arch);
    console.error(`prebuild: linux-${arch}`);
  }
}
