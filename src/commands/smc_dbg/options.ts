// SPDX-License-Identifier: MIT
/** The options of smc_dbg. */
import { lstatSync } from 'node:fs';
import { type Options, optionTable, UsageError } from '../../cli/options.ts';

/** The name of a file that can be written, and that is not there or is an ordinary file. */
function archiveName(text: string, option: string): string {
  if (text === '' || text === '-' || text.endsWith('/'))
    throw new UsageError(`${option} '${text}': must be a file name`);
  const there = lstatSync(text, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new UsageError(`${option} '${text}': is a directory, not a file`);
  // the archive takes the place of what is there: of /dev/null for everybody, if root says so
  if (there && !there.isFile() && !there.isSymbolicLink())
    throw new UsageError(`${option} '${text}': is a device, pipe or socket, not a file`);
  return text;
}

export const OPTIONS = optionTable({
  tgz: { short: 't', help: 'write an archive to the current directory and print its name' },
  output: {
    short: 'o',
    value: 'FILE',
    parse: archiveName,
    help: 'write the archive to this file',
    addition: true,
  },
  redact: { help: 'replace addresses, host names and enterprise IDs', addition: true },
});

export type DbgOptions = Options<typeof OPTIONS>;
