// SPDX-License-Identifier: MIT
/** --textfile: writes the metrics to a file, so that readers see a whole file at any time. */
import { lstatSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { pause, untilInterrupted } from '../../cli/interrupt.ts';
import { UsageError } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';
import { inDirectory } from '../../host/safe-directory.ts';
import { UntrustedError } from '../../host/untrusted-error.ts';
import { explain } from '../../smc/explain.ts';
import { exposition } from './exposition.ts';
import type { Scraper } from './scrape.ts';

/** node_exporter runs as another user. */
const MODE = 0o644;

/**
 * @param interval seconds between the beginnings of two scrapes; `undefined`: only one
 * @throws UsageError; UntrustedError; Node's own error when the first time fails; later ones are noted
 */
export async function writeTextfile(
  context: Context,
  scraper: Scraper,
  path: string,
  interval: number | undefined,
): Promise<void> {
  if (path === '-') throw new UsageError('--textfile writes to a file; --once prints the metrics');
  if (basename(path) !== path.split('/').at(-1)) throw new UsageError(`--textfile '${path}': must be a file`);
  const write = async (): Promise<void> => {
    const text = await exposition(scraper.samples(await scraper.read()), 'text');
    replace(path, text);
  };
  if (interval === undefined) return write();
  context.needsRunningSystem('--interval');
  await untilInterrupted(async (stop) => {
    let isFirst = true;
    let failure: string | undefined;
    while (!stop.aborted) {
      const begin = performance.now();
      try {
        await write();
        failure = undefined;
      } catch (error) {
        const text = explain(error)?.text;
        if (isFirst || text === undefined) throw error;
        // the same failure once: it may last for days
        if (text !== failure) context.note(`${text}; it is tried again`);
        failure = text;
      }
      isFirst = false;
      await pause(Math.max(0, interval * 1000 - (performance.now() - begin)), stop);
    }
  });
}

/** What takes the place of a file must not take that of a device: root may write /dev/null, and remove it as well. */
function replace(path: string, text: string): void {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats && !stats.isFile() && !stats.isDirectory())
      throw new UntrustedError(path, 'it is not a regular file');
    inDirectory(dirname(path), {}, (directory) => directory.replace(basename(path), text, { mode: MODE }));
  } catch (error) {
    // the name that the user knows
    if ((error as NodeJS.ErrnoException).syscall) Object.assign(error as NodeJS.ErrnoException, { path });
    throw error;
  }
}
