// SPDX-License-Identifier: MIT
/**
 * Builds the C part: libsmc-preload.so, smc-launch, smc-start and smc-native.node; in an installed package also
 * netlink.node, the addon of the npm package netlink.
 *
 *     node native/build.mjs [outDir]        CC, CXX choose the compilers (a cross compiler works)
 *
 * One call of the compiler per output, no node-gyp: the addons need headers of Node and find their functions in the
 * node program that loads them.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const sourceDir = dirname(fileURLToPath(import.meta.url));

/** Flags for every file here; the tests add -Werror, which would break installs with a newer compiler. */
export const commonFlags = [
  '-std=gnu11',
  '-O2',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-Wshadow',
  '-fstack-protector-strong',
  '-fstack-clash-protection',
  '-s',
  '-Wl,-z,relro,-z,now,-z,noexecstack',
];

const library = ['-fPIC', '-shared'];
const program = ['-fPIE', '-pie'];
// the preload library must use nothing of libc but the few symbols that the tests list
const preload = [...library, '-nostartfiles', '-Wl,-soname,libsmc-preload.so'];

/**
 * Machines that run programs of 32 bits as well: what makes the compiler build those, and below which directories the
 * loaders of each class look for libraries, as `$LIB` in LD_PRELOAD becomes (Debian, Fedora and SUSE, Arch).
 * @type {Record<string, Sibling>}
 */
const siblings = {
  x86_64: {
    flag: '-m32',
    wide: ['lib/x86_64-linux-gnu', 'lib64'],
    narrow: ['lib/i386-linux-gnu', 'lib32'],
  },
  s390x: { flag: '-m31', wide: ['lib/s390x-linux-gnu', 'lib64'], narrow: ['lib/s390-linux-gnu'] },
};

/**
 * @typedef {object} Target
 * @property {string} output name of the file
 * @property {string[]} sources the first one names it in messages
 * @property {string[]} flags
 * @property {boolean} [needsNodeHeaders]
 * @property {boolean} [narrow] for programs of 32 bits, and left out where the compiler cannot
 *
 * @typedef {{ flag: string, wide: string[], narrow: string[] }} Sibling
 */

/**
 * What gets built.
 * @type {Target[]}
 */
export const targets = [
  { output: 'libsmc-preload.so', sources: ['smc-preload.c'], flags: preload },
  { output: 'libsmc-preload-32.so', sources: ['smc-preload.c'], flags: preload, narrow: true },
  {
    output: 'smc-launch',
    sources: [
      'smc-launch.c',
      'launch-filter.c',
      'launch-serve.c',
      'launch-observe.c',
      'launch-caller.c',
      'launch-text.c',
    ],
    flags: [...program, '-D_FORTIFY_SOURCE=2'],
  },
  {
    output: 'smc-start',
    sources: ['smc-start.c', 'start-limits.c', 'start-state.c', 'start-preload.c'],
    flags: [...program, '-D_FORTIFY_SOURCE=2'],
  },
  {
    output: 'smc-native.node',
    sources: ['addon.c', 'addon-exec.c', 'addon-lock.c', 'addon-mount.c', 'addon-netns.c', 'addon-xattr.c'],
    flags: [...library, '-D_FORTIFY_SOURCE=2'],
    needsNodeHeaders: true,
  },
];

/** What an installed package has in place of development packages: the source of netlink.node, headers of Node-API. */
const packed = join(sourceDir, '..', 'prebuilds', 'source');

/** Where a Node keeps its headers; distributions have them in packages of their own. */
const nodeHeaders = [resolve(dirname(process.execPath), '../include/node'), '/usr/include/node'];

/** Directory of node_api.h: that of this package, or the headers that came with this node. */
function findNodeHeaders() {
  try {
    return createRequire(import.meta.url)('node-api-headers').include_dir;
  } catch {
    const found = [packed, ...nodeHeaders].find((directory) => existsSync(join(directory, 'node_api.h')));
    if (found) return found;
    throw new Error('node_api.h not found: install the npm package node-api-headers');
  }
}

/** The compiler expects this symbol in the C++ library of GCC 11 or newer; all other symbols are in older ones, too. */
const NEW_FUNCTION = `#include <new>
namespace std { void __throw_bad_array_new_length() { throw bad_array_new_length(); } }
`;

/**
 * Builds netlink.node, as node-gyp would build the npm package netlink.
 * @param {object} options
 * @param {string} options.outDir
 * @param {string} options.source directory of binding.cc
 * @param {string[]} options.headers directories of node_api.h and napi.h
 * @param {string} [options.cxx] compiler command; default $CXX, else c++
 * @throws {Error} when it cannot be built
 */
export function buildNetlink({ outDir, source, headers, cxx = process.env.CXX || 'c++' }) {
  const uv = [...nodeHeaders, '/usr/include'].find((directory) => existsSync(join(directory, 'uv.h')));
  if (!uv)
    throw new Error(
      'netlink.node needs the headers of Node, uv.h among them: install them (Debian: libnode-dev)',
    );
  const [compiler = '', ...compilerArgs] = cxx.split(/\s+/).filter(Boolean);
  const output = join(outDir, 'netlink.node');
  const temporary = `${output}.${process.pid}.tmp`;
  const definitions = ['NODE_GYP_MODULE_NAME=netlink_binding', 'BUILDING_NODE_EXTENSION', 'NAPI_VERSION=8'];
  mkdirSync(outDir, { recursive: true });
  const { status, error, stderr } = spawnSync(
    compiler,
    [
      ...compilerArgs,
      ...['-std=gnu++17', '-O2', '-fPIC', '-shared', '-s'],
      // headers name themselves in messages: the result must not depend on where they lie
      `-ffile-prefix-map=${resolve(sourceDir, '..')}=.`,
      ...['-fvisibility=hidden', '-Wl,-z,relro,-z,now,-z,noexecstack'],
      ...definitions.map((definition) => `-D${definition}`),
      ...headers.flatMap((directory) => ['-isystem', directory]),
      // last: what else is there is for this machine
      ...['-idirafter', uv],
      ...['-o', temporary, join(source, 'binding.cc'), '-x', 'c++', '-'],
    ],
    { encoding: 'utf8', input: NEW_FUNCTION },
  );
  if (status !== 0) {
    rmSync(temporary, { force: true });
    if (error) throw new Error(`no C++ compiler (${compiler}): netlink.node not built`);
    throw new Error(`${compiler} failed on netlink.node\n${stderr}`.trimEnd());
  }
  renameSync(temporary, output);
}

/**
 * Changes when the output would: compiler, flags, sources, any header, and this file.
 * @param {string[]} command
 * @param {string[]} sources
 */
function fingerprint(command, sources) {
  const hash = createHash('sha256').update(JSON.stringify([process.arch, ...command]));
  const headers = readdirSync(sourceDir).filter((name) => name.endsWith('.h'));
  for (const file of [...sources, ...headers.sort()]) hash.update(readFileSync(join(sourceDir, file)));
  return hash.update(readFileSync(fileURLToPath(import.meta.url))).digest('hex');
}

/**
 * @param {string} file
 * @returns {Record<string, string>} by output
 */
function readStamps(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {}; // first build, or a damaged file: build everything
  }
}

const machineName = (/** @type {string} */ arch) => (arch === 'x64' ? 'x86_64' : arch);

/**
 * One value of LD_PRELOAD for programs of both classes: DIR/preload/$LIB/libsmc-preload.so, where the loaders of this
 * machine are seen to find the right one. If not, there is no such directory. A kernel that runs no programs of 32 bits
 * shows only the half, and is believed: packages that are built there also serve others.
 * @param {string} outDir
 * @param {Sibling} sibling
 * @param {(words: string[], input: string) => { status: number | null }} compile
 */
function placeForLoaders(outDir, { flag, wide, narrow }, compile) {
  const directory = join(outDir, 'preload');
  const probe = join(outDir, `probe.${process.pid}.tmp`);
  const clean = (/** @type {string} */ command) => {
    const LD_PRELOAD = `${resolve(directory)}/$LIB/libsmc-preload.so`;
    const { status, stderr } = spawnSync(command, ['--version'], { env: { LD_PRELOAD }, encoding: 'utf8' });
    return status === 0 && stderr === '';
  };
  const runsNarrow = () => spawnSync(resolve(probe)).status === 0;
  try {
    if (compile([flag, '-x', 'c', '-', '-o', resolve(probe)], 'int main(void) { return 0; }\n').status !== 0)
      return;
    // what a plain `lib` means differs: 32 bits at Fedora, 64 at Arch
    for (const { forWide, forNarrow } of [
      { forWide: wide, forNarrow: [...narrow, 'lib'] },
      { forWide: [...wide, 'lib'], forNarrow: narrow },
    ]) {
      rmSync(directory, { recursive: true, force: true });
      for (const { places, file } of [
        { places: forWide, file: 'libsmc-preload.so' },
        { places: forNarrow, file: 'libsmc-preload-32.so' },
      ])
        for (const place of places) {
          mkdirSync(join(directory, place), { recursive: true });
          const link = join(directory, place, 'libsmc-preload.so');
          symlinkSync(relative(dirname(link), join(outDir, file)), link);
        }
      if (clean(process.execPath) && (clean(resolve(probe)) || !runsNarrow())) return;
    }
    rmSync(directory, { recursive: true, force: true });
  } finally {
    rmSync(probe, { force: true });
  }
}

/**
 * @param {object} [options]
 * @param {string | undefined} [options.outDir] default dist/native of this package
 * @param {string} [options.cc] compiler command, may hold arguments ("ccache gcc"); default $CC, else cc
 * @param {string[]} [options.extraFlags] appended to every call
 * @param {string[]} [options.programFlags] appended for what is a program and no library
 * @param {(line: string) => void} [options.log] hears one line per file
 * @returns {Promise<{ built: string[], skipped: string[], missingCompiler: boolean }>} paths of the outputs
 * @throws {Error} with the compiler's own text if it rejects a file
 */
export async function buildNative({
  outDir = join(sourceDir, '..', 'dist', 'native'),
  cc = process.env.CC || 'cc',
  extraFlags = [],
  programFlags = [],
  log = () => {},
} = {}) {
  /** @type {{ built: string[], skipped: string[], missingCompiler: boolean }} */
  const result = { built: [], skipped: [], missingCompiler: false };
  const stampFile = join(outDir, '.stamps.json');
  const stamps = readStamps(stampFile);
  const [compiler = '', ...compilerArgs] = cc.split(/\s+/).filter(Boolean);
  mkdirSync(outDir, { recursive: true });

  const ask = (/** @type {string} */ question) =>
    spawnSync(compiler, [...compilerArgs, question], { encoding: 'utf8' }).stdout?.trim();
  const machine = ask('-dumpmachine')?.split('-')[0];
  const sibling = machine === undefined ? undefined : siblings[machine];
  // Debian keeps the kernel's headers, which are the same for both, where it looks for 64 bits only
  const forNarrow = (/** @type {Sibling} */ { flag }) => [
    flag,
    '-idirafter',
    `/usr/include/${ask('-print-multiarch')}`,
  ];
  for (const { output, sources, flags, needsNodeHeaders, narrow } of targets) {
    const outFile = join(outDir, output);
    if (narrow && !sibling) continue;
    const include = needsNodeHeaders ? ['-isystem', findNodeHeaders()] : [];
    const args = [
      ...compilerArgs,
      ...commonFlags,
      ...flags,
      ...extraFlags,
      ...(flags.includes('-shared') ? [] : programFlags),
      ...include,
      ...(narrow && sibling ? forNarrow(sibling) : []),
      ...sources,
    ];
    const stamp = fingerprint([compiler, ...args], sources);
    if (stamps[output] === stamp && existsSync(outFile)) {
      log(`${output}: up to date`);
      result.skipped.push(outFile);
      continue;
    }

    // A program may have the old file mapped, so it is replaced and never written to. The source is named
    // relative to its directory, so that the result does not depend on where the package lies.
    const temporary = resolve(`${outFile}.${process.pid}.tmp`);
    const { error, status, signal, stderr } = spawnSync(compiler, [...args, '-o', temporary], {
      cwd: sourceDir,
      encoding: 'utf8',
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    const code = error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'EACCES') {
      log(`no C compiler (${compiler}): ${output} not built`);
      result.missingCompiler = true;
      continue;
    }
    if (error || status !== 0) {
      rmSync(temporary, { force: true });
      if (narrow) {
        log(
          `${output}: not built, since ${compiler} has no headers and libraries for 32 bits; smc_run takes the seccomp way for such programs`,
        );
        continue;
      }
      const reason = error?.message ?? (signal ? `killed by ${signal}` : `status ${status}`);
      throw new Error(`${compiler} failed on native/${sources[0]} (${reason})\n${stderr ?? ''}`.trimEnd(), {
        cause: error,
      });
    }
    if (stderr) log(stderr.trimEnd());
    renameSync(temporary, outFile);
    stamps[output] = stamp;
    writeFileSync(stampFile, `${JSON.stringify(stamps, null, 2)}\n`);
    log(`${output}: built`);
    result.built.push(outFile);
    if (narrow && sibling && machine === machineName(process.arch))
      placeForLoaders(outDir, sibling, (words, input) =>
        spawnSync(compiler, [...compilerArgs, ...words], { input, encoding: 'utf8' }),
      );
  }
  return result;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const log = (/** @type {string} */ line) => console.log(line);
    const outDir = process.argv[2] ?? join(sourceDir, '..', 'dist', 'native');
    const { missingCompiler } = await buildNative({ outDir, log });
    if (missingCompiler) process.exitCode = 1;
    if (existsSync(packed)) {
      buildNetlink({ outDir, source: packed, headers: [packed] });
      log('netlink.node: built');
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
