// SPDX-License-Identifier: MIT
/** Builds of Node for `npm run test:nodes`, from npm; kept in the cache, by version. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar';
import { Problem } from '../../scripts/entry.mjs';
import { buildDirectory, cacheDirectory, withLock } from '../vm/cache.ts';
import { step } from '../vm/progress.ts';

/** What is tried: 18 as Ubuntu 24.04 has it, which is the oldest that the suite supports, and the newest of the others. */
export const WANTED = ['18.19.1', '20', '22', '24', 'latest'];

const PACKAGE = `node-linux-${process.arch}`;
const directory = (): string => join(cacheDirectory(), 'nodes');

const npm = async (...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)('npm', args, { maxBuffer: 1 << 26 });
  return stdout;
};

const parts = (version: string): number[] => version.split('.').map(Number);

/** Compares versions, the oldest first. */
function byAge(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  const at = left.findIndex((part, at) => part !== right[at]);
  return at < 0 ? 0 : left[at]! - right[at]!;
}

const fits = (version: string, wanted: string): boolean =>
  wanted === 'latest' || version === wanted || version.startsWith(`${wanted}.`);

/** The newest version that fits; of those in the cache when npm does not answer. @throws Problem */
async function versionOf(wanted: string): Promise<string> {
  const cached = existsSync(directory())
    ? readdirSync(directory()).filter((name) => /^[\d.]+$/.test(name))
    : [];
  if (cached.includes(wanted)) return wanted;
  let known = cached;
  try {
    known = [JSON.parse(await npm('view', `${PACKAGE}@${wanted}`, 'version', '--json'))].flat();
  } catch {
    // no network
  }
  const version = known
    .filter((version) => fits(version, wanted))
    .sort(byAge)
    .at(-1);
  if (version === undefined)
    throw new Problem(`npm has no ${PACKAGE}@${wanted}, or it cannot be reached: try again with a network`);
  return version;
}

/**
 * Fetches a build of Node if it is not in the cache.
 * @param wanted version, or the beginning of one, or `latest`
 * @returns its version, and the directory that has the program `node` and nothing else
 * @throws Problem
 */
export async function nodeFor(wanted: string): Promise<{ version: string; bin: string }> {
  const version = await versionOf(wanted);
  const bin = join(directory(), version);
  await withLock('nodes', async () => {
    if (existsSync(join(bin, 'node'))) return;
    await step(`Node ${version} (50 MB to fetch)`, () =>
      buildDirectory(bin, async (temporary) => {
        const spec = `${PACKAGE}@${version}`;
        const [packed] = JSON.parse(await npm('pack', spec, '--json', '--pack-destination', temporary));
        const file = join(temporary, packed.filename);
        await extract({ file, cwd: temporary, filter: (path) => path === 'package/bin/node' });
        await rename(join(temporary, 'package/bin/node'), join(temporary, 'node'));
        await chmod(join(temporary, 'node'), 0o755);
        await rm(file);
        await rm(join(temporary, 'package'), { recursive: true });
      }),
    );
  });
  return { version, bin };
}
