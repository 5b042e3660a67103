// SPDX-License-Identifier: MIT
/** Becomes the program, and reports why that failed. */
import { existsSync, statSync } from 'node:fs';
import type { Context } from '../../cli/run.ts';
import { candidates, type Program } from '../../host/program.ts';
import { printable } from '../../output/table.ts';
import { fromBytes, toBytes, type Variable } from './environment.ts';

/** Exit status when COMMAND cannot be executed, and when it is not found; as in shells. */
const STATUS_CANNOT_EXECUTE = 126;
const STATUS_NOT_FOUND = 127;

export type Execve = (file: Variable, argv: Variable[]) => never;

/**
 * Becomes the program, found as execvp(3) would find it.
 * @param path as latin1
 * @param program what is known of it
 * @returns exit status, only if that failed
 */
export function replaceProcess(
  argv: Variable[],
  path: string | undefined,
  program: Program | undefined,
  run: Execve,
  note: Context['note'],
): number {
  const command = fromBytes(argv[0] ?? '');
  let refused: string | undefined;
  for (const file of candidates(command, path).map(toBytes)) {
    const name = printable(file.toString());
    try {
      run(file, argv);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      switch (code) {
        case 'ENOENT':
        case 'ENOTDIR':
          // if the file exists, the interpreter of the script is missing
          if (!existsSync(file)) continue;
          note(`${name}: its interpreter was not found`);
          return STATUS_CANNOT_EXECUTE;
        case 'EACCES':
          refused ??= isDirectory(file) ? `${name}: is a directory` : `${name}: permission denied`;
          continue;
        case 'ENOEXEC':
          if (program?.isShellText && fromBytes(file) === program.file)
            run('/bin/sh', ['/bin/sh', file, ...argv.slice(1)]);
          note(`${name}: not a program for this machine (exec format error)`);
          return STATUS_CANNOT_EXECUTE;
        case 'E2BIG':
          note(`${name}: argument list too long`);
          return STATUS_CANNOT_EXECUTE;
        default:
          if (code === undefined) throw error;
          note(`${name}: cannot be executed (${code})`);
          return STATUS_CANNOT_EXECUTE;
      }
    }
  }
  if (refused) {
    note(refused);
    return STATUS_CANNOT_EXECUTE;
  }
  note(`${printable(String(argv[0])) || "''"}: command not found`);
  return STATUS_NOT_FOUND;
}

function isDirectory(path: Buffer): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
