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

/** Path of a built native file. It need not exist. */
export function nativeFile(name: string): string {
  return join(packageDirectory(), 'dist', 'native', name);
}

/** Advice if native files are missing: they are built when the package is installed, if there is a compiler. */
export function buildHint(): string {
  return `install a C compiler, then: node ${packageFile('native/build.mjs')}`;
}
