import { spawn } from 'node:child_process';

/** How to run a program of the host. */
export interface ProgramOptions {
  /** Working directory; the current one if not given. */
  cwd?: string;
  /** The whole environment; this process's own if not given. */
  env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program of the host to its end, without a shell.
 *
 * @returns what it wrote to stdout
 * @throws Error naming the program, its exit status and the last lines of stderr, when it could not be
 *   started or did not exit with 0
 */
export async function output(file: string, args: string[], options: ProgramOptions = {}): Promise<Buffer> {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const ending = await new Promise<string | number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve(status ?? signal));
  });
  if (ending !== 0) {
    const reason = Buffer.concat(stderr).toString().trimEnd().split('\n').slice(-15).join('\n');
    throw new Error(`${file} ${args.slice(0, 3).join(' ')} … failed (${ending}):\n${reason}`);
  }
  return Buffer.concat(stdout);
}

/** As {@link output}, decoded as UTF-8. */
export async function text(file: string, args: string[], options: ProgramOptions = {}): Promise<string> {
  return (await output(file, args, options)).toString();
}

/** Quotes a word for sh, whatever characters it has. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
