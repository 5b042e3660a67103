// SPDX-License-Identifier: MIT
/** Files of this package. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Top directory of the package, both for bundles in dist/ and for the source. */
function packageDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'native', 'build.mjs'))) {
    const parent = dirname(directory);
    if (parent === directory) break;
    directory = parent;
  }
  return directory;
}

/** Path of a file of this package. */
export function packageFile(name: string): string {
  return join(packageDirectory(), name);
}

/** What was built for this machine on another one: npm's package contains it for the usual machines. */
const prebuilt = (): string => join('prebuilds', `linux-${process.arch}`);

/**
 * Path of a native file: one that was built here, or by a distribution, else a prebuilt one, in place. It need not exist.
 */
export function nativeFile(name: string): string {
  const built = packageFile(join('dist', 'native', name));
  const other = packageFile(join(prebuilt(), name));
  return !existsSync(built) && existsSync(other) ? other : built;
}

/** What to do where native files are missing: one command builds them, and says itself what it lacks. */
export function buildHint(compiler = 'a C compiler'): string {
  return `install ${compiler}, then: node ${packageFile('native/build.mjs')}`;
}

/** The C library that prebuilt files need, as `2.28`. */
const OLDEST_GLIBC = 28;

/** Names a native file that is missing or cannot be loaded, and says why as far as that is known. */
export function namedNative(name: string): string {
  const file = nativeFile(name);
  if (!existsSync(file))
    return existsSync(packageFile('prebuilds'))
      ? `${file}, and none is prebuilt for linux-${process.arch}`
      : file;
  if (file !== packageFile(join(prebuilt(), name))) return file;
  // the report knows the C library, and takes milliseconds
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const version = header.glibcVersionRuntime;
  if (version === undefined) return `${file} is for glibc, and this Node uses another C library, as musl`;
  return Number(version.split('.')[1]) < OLDEST_GLIBC
    ? `${file} is for glibc 2.${OLDEST_GLIBC} or newer, and this one is ${version}`
    : file;
}
