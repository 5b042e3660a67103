// SPDX-License-Identifier: MIT
/** Debian packages that tests need and that cannot be installed everywhere. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackPackages } from '../vm/apt.ts';
import { buildDirectory, cacheDirectory, withLock } from '../vm/cache.ts';
import { step } from '../vm/progress.ts';

/**
 * The files of a Debian package, of a version that this machine's apt knows, in a directory of the cache. They are fetched
 * when they are first needed. None of its scripts runs, and nothing is installed.
 * @throws Error when it is not in the cache and cannot be fetched
 */
export async function unpackedPackage(name: string, version: string): Promise<string> {
  const directory = join(cacheDirectory(), 'unpacked', `${name}-${version}`);
  const isThere = (): Promise<boolean> =>
    stat(directory).then(
      () => true,
      () => false,
    );
  if (await isThere()) return directory;
  await withLock('unpacked', async () => {
    if (await isThere()) return;
    await buildDirectory(directory, (temporary) =>
      step(`fetching the Debian package ${name}`, (tell) =>
        unpackPackages([`${name}=${version}`], temporary, { tell }),
      ),
    );
  });
  return directory;
}
