// SPDX-License-Identifier: MIT
/** The built parts: preload library, launcher, addon; or what to do where they are missing. */
import { existsSync } from 'node:fs';
import { type ElfFile, readElf } from '../host/elf.ts';
import { loadAddon, type NativeAddon } from '../host/native-addon.ts';
import { buildHint, namedNative, nativeFile } from '../host/package-files.ts';
import { SmcError } from './error.ts';

/** A preload library that was built, and the header that tells for which programs. */
export interface PreloadLibrary {
  file: string;
  elf: ElfFile;
}

/** The launcher, or undefined where it was not built. */
export function findLauncher(): string | undefined {
  const file = nativeFile('smc-launch');
  return existsSync(file) ? file : undefined;
}

/**
 * The library for this machine.
 * @throws SmcError when it was not built, or LD_PRELOAD cannot hold its path
 */
export function findPreloadLibrary(): string {
  const library = nativeFile('libsmc-preload.so');
  if (!existsSync(library))
    throw new SmcError(
      'NOT_SUPPORTED',
      `the preload library is missing (${namedNative('libsmc-preload.so')})`,
      {
        hint: buildHint(),
      },
    );
  // LD_PRELOAD is split at both and knows no quotes
  if (/[ :]/.test(library))
    throw new SmcError(
      'NOT_SUPPORTED',
      `the path ${library} must not contain blanks or colons, LD_PRELOAD cannot hold it`,
      { hint: 'install the package elsewhere' },
    );
  return library;
}

/** The library for this machine, which has to be there, and the one for its 32-bit programs, where it was built. */
export function findPreloadLibraries(): PreloadLibrary[] {
  const files = [findPreloadLibrary(), nativeFile('libsmc-preload-32.so')].filter((file) => existsSync(file));
  return files.map((file) => {
    try {
      return { file, elf: readElf(file) };
    } catch (cause) {
      throw new SmcError('NOT_SUPPORTED', `the preload library cannot be loaded (${file})`, {
        hint: buildHint(),
        cause,
      });
    }
  });
}

/**
 * What to preload. Where the build found out that the GNU loader's `$LIB` tells 64-bit and 32-bit programs apart, the
 * loader chooses, for each program of a tree. Other loaders know no `$LIB`.
 */
export function preloadPath(library: PreloadLibrary, elf: ElfFile | null | undefined): string {
  const both = nativeFile('preload');
  const isGnu = /\/ld(-linux|64)[^/]*$/.test(elf?.interpreter ?? '');
  return isGnu && existsSync(both) ? `${both}/$LIB/libsmc-preload.so` : library.file;
}

/**
 * The native addon, for callers that cannot do without it.
 * @throws SmcError NOT_SUPPORTED when it is missing or cannot be loaded
 */
export function findAddon(): NativeAddon {
  try {
    return loadAddon();
  } catch (cause) {
    throw new SmcError(
      'NOT_SUPPORTED',
      `the native addon cannot be loaded (${namedNative('smc-native.node')})`,
      { hint: buildHint(), cause },
    );
  }
}
