// SPDX-License-Identifier: MIT
/** `check`: what is wrong with the file, and what of it has no effect on this host. */
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { CheckDocument, FindingRow } from '../../documents/smc_conf.ts';
import type { Made } from '../../output/document.ts';
import { printable } from '../../output/printable.ts';
import { hostFiles } from '../../smc/host.ts';
import { readConfigurationFile } from './file.ts';
import { FileError, type Place } from './file-error.ts';
import { hostWarnings } from './host-warnings.ts';
import { type ConfOptions, DEFAULT_FILE } from './options.ts';
import { nameInMessages } from './source.ts';

/** The file cannot be used. */
const STATUS_WRONG = 1;

/** An error or a warning. */
interface Finding {
  place: Place | undefined;
  text: string;
  hint: string | undefined;
}

/** @returns exit status; warnings do not count */
export async function checkMode(
  context: Context,
  { file = DEFAULT_FILE, json }: ConfOptions,
): Promise<number> {
  const { io, note, hostRoot, isRecorded, paint } = context;
  let errors: Finding[] = [];
  let warnings: Finding[] = [];
  try {
    const found = hostWarnings(await readConfigurationFile(file), hostFiles(hostRoot), isRecorded);
    warnings = found.map(({ place, text, hint }) => ({ place, text, hint }));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    errors = error.problems.map(({ message, hint, ...place }) => ({ place, text: message, hint }));
  }
  const isValid = errors.length === 0;
  const name = nameInMessages(file);
  if (json)
    writeDocument<CheckDocument>(context, {
      file,
      is_valid: isValid,
      errors: errors.map(rowOf),
      warnings: warnings.map(rowOf),
    });
  else {
    for (const error of errors) io.write(`${lineOf(name, paint('bad', 'error'), error)}\n`);
    for (const warning of warnings) io.write(`${lineOf(name, paint('info', 'warning'), warning)}\n`);
    if (isValid && warnings.length === 0 && io.isTerminal) note(`${name} is right`);
  }
  return isValid ? 0 : STATUS_WRONG;
}

/** As compilers have it, so that editors can jump there. */
function lineOf(file: string, kind: string, { place, text, hint }: Finding): string {
  const where = place ? `${file}:${place.line}:${place.column}` : file;
  return `${printable(where)}: ${kind}: ${printable(text)}${hint ? `; ${printable(hint)}` : ''}`;
}

function rowOf({ place, text, hint }: Finding): Made<FindingRow> {
  return { line: place?.line ?? null, column: place?.column ?? null, text, hint: hint ?? null };
}
