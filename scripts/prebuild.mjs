#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Builds the prebuilt files of a package, for machines without a compiler, with Debian's cross compilers:
//     node scripts/prebuild.mjs [x64|arm64|s390x…]
// All of a machine is in prebuilds/linux-ARCH. What the compilers of any other machine need is in prebuilds/source.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative, buildNetlink } from '../native/build.mjs';
import { useTypeScript } from './setup.mjs';

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

/**
 * musl for one machine, as Debian packages it. Programs that contain it run beside any C library, and are a tenth as large
 * as with glibc.
 * @param {string} arch Node's name of the machine
 * @returns {Promise<{ directory: string, version: string }>} where it was unpacked, and the version of the package musl-dev
 */
export async function provideMusl(arch) {
  await useTypeScript();
  const { PackageSource } = await import('../test/vm/package-source.ts');
  const { buildDirectory, cacheDirectory, withLock } = await import('../test/vm/cache.ts');
  const source = new PackageSource('bookworm', arch === 'x64' ? 'amd64' : arch);
  const directory = join(cacheDirectory(), `musl-dev-${source.name}`);
  await withLock('musl', async () => {
    if (existsSync(directory)) return;
    await source.update();
    await buildDirectory(directory, async (temporary) => {
      const { version } = await source.look('musl-dev');
      await source.unpack([`musl-dev=${version}`], temporary);
      writeFileSync(join(temporary, 'version'), version);
    });
  });
  return { directory, version: readFileSync(join(directory, 'version'), 'utf8') };
}

/**
 * How to link a program with musl: options of gcc, in which files of `work` are named.
 * @param {string} arch Node's name of the machine
 * @param {string} machine Debian's
 * @param {string} work an empty directory
 */
async function withMusl(arch, machine, work) {
  const musl = join((await provideMusl(arch)).directory, 'usr');
  const triplet = machine.replace(/gnu$/, 'musl');
  const lib = join(musl, 'lib', triplet);
  const specs = {
    link_libgcc: `-L ${lib}`,
    libgcc: 'libgcc.a%s',
    lib: '-lc',
    startfile: `${lib}/rcrt1.o ${lib}/crti.o`,
    endfile: `${lib}/crtn.o`,
  };
  const file = join(work, 'specs');
  writeFileSync(
    file,
    Object.entries(specs)
      .map(([name, text]) => `*${name}:\n${text}\n\n`)
      .join(''),
  );
  // musl comes without the kernel's headers
  for (const name of ['linux', 'asm', 'asm-generic']) {
    const places = [`/usr/${machine}/include`, `/usr/include/${machine}`, '/usr/include'];
    const found = places.map((place) => join(place, name)).find((place) => existsSync(place));
    if (!found) throw new Error(`the kernel's headers for ${arch} are missing: ${name}`);
    symlinkSync(found, join(work, name));
  }
  const compiler = spawnSync(`${machine}-gcc`, ['-print-file-name=include'], { encoding: 'utf8' });
  if (compiler.error)
    throw new Error(`${machine}-gcc is missing: install gcc-${machine.replaceAll('_', '-')}`);
  const include = [join(musl, 'include', triplet), compiler.stdout.trim(), work];
  return ['-static-pie', `-specs=${file}`, '-nostdinc', ...include.flatMap((place) => ['-isystem', place])];
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

/** What is prebuilt contains these, whose licences ask for their text to come along. */
async function writeNotices() {
  const licences = ['netlink', 'node-addon-api', 'node-api-headers'].map((name) => {
    const directory = packageDirectory(name);
    const file = ['LICENSE', 'LICENSE.md'].find((file) => existsSync(join(directory, file)));
    return `${name}\n\n${readFileSync(join(directory, file ?? 'LICENSE'), 'utf8')}`;
  });
  const { directory } = await provideMusl(process.arch);
  const musl = join(directory, 'usr/share/doc/musl-dev/copyright');
  const texts = [...licences, `musl, in smc-launch and smc-start\n\n${readFileSync(musl, 'utf8')}`];
  writeFileSync(join(root, 'prebuilds/THIRD-PARTY-NOTICES'), texts.join('\n----\n\n'));
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
  const work = mkdtempSync(join(tmpdir(), 'smc-tools-prebuild-'));
  try {
    const programFlags = await withMusl(arch, machine, work);
    await buildNative({ outDir, cc: `${machine}-gcc`, programFlags });
  } finally {
    rmSync(work, { recursive: true });
  }
  // it is made for the loaders of this machine, and npm does not pack links
  rmSync(join(outDir, 'preload'), { recursive: true, force: true });
  provideNetlink(arch, outDir);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const chosen = process.argv.slice(2);
  if (chosen.length === 0) rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
  copySources();
  await writeNotices();
  for (const arch of chosen.length > 0 ? chosen : Object.keys(machines)) {
    await prebuild(arch);
    console.error(`prebuild: linux-${arch}`);
  }
}
