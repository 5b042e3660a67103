import { dirname } from 'node:path';
import { quote } from './program.ts';

/** How to run a command in a guest. */
export interface CommandOptions {
  /** A user of the host; `root` by default. Other users have no privileges and no extra groups. */
  user?: string;
  /** Added to the environment, which otherwise contains only HOME, LANG, PATH (with this Node first), TERM and USER. */
  env?: Record<string, string>;
  /** The project's directory by default. */
  cwd?: string;
  /** What the command reads on stdin; nothing by default. */
  stdin?: string | Buffer;
  /** Run on a pseudo-terminal of this size, 24 rows by default. Then stderr is part of stdout, and lines end with \r\n. */
  tty?: { columns: number; rows?: number };
}

/** How a command ended. */
export interface CommandResult<Output = string> {
  /** Exit status, or 128 + n for an end by signal n, as sh reports it. */
  status: number;
  stdout: Output;
  stderr: Output;
}

/**
 * A script for busybox's sh that prepares everything for a command and then executes `sh SCRIPT`, with the host's sh.
 * Programs of the host are called by their full path, because busybox prefers its own.
 */
export function enterScript(script: string, options: CommandOptions & { cwd: string }): string {
  const { user = 'root', cwd, tty, env } = options;
  const environment = {
    LANG: 'C.UTF-8',
    PATH: `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    TERM: tty ? 'xterm-256color' : 'dumb',
    USER: user,
    ...env,
  };
  const variables = Object.entries(environment).map(([key, value]) => quote(`${key}=${value}`));
  const words = ['env', '-i', ...variables];
  // From the user's passwd entry, unless the caller sets them.
  if (env?.HOME === undefined) words.push('"HOME=$home"');
  if (user !== 'root')
    words.push('/usr/bin/setpriv --reuid "$uid" --regid "$gid" --clear-groups --inh-caps=-all');
  if (tty) {
    const command = `stty columns ${tty.columns} rows ${tty.rows ?? 24}; exec sh ${script}`;
    words.push('/usr/bin/script', '-qec', quote(command), '/dev/null');
  } else {
    words.push('/bin/sh', script);
  }
  return `while IFS=: read -r name password uid gid comment home shell; do
  [ "$name" = ${quote(user)} ] && break
done < /etc/passwd
[ "$name" ] || { echo ${quote(`no user ${user} in /etc/passwd`)} >&2; exit 126; }
cd ${quote(cwd)} || exit 126
exec ${words.join(' ')}
`;
}

/** The last lines of what a command wrote, for error messages. */
export function outputEnd({ stdout, stderr }: CommandResult<Buffer>): string {
  const end = (title: string, output: Buffer) => {
    const lines = output.toString().trimEnd().split('\n').slice(-20).join('\n');
    return lines === '' ? '' : `\n${title}: ${lines}`;
  };
  return end('stdout', stdout) + end('stderr', stderr);
}

/** A promise with the functions that settle it, until Node has Promise.withResolvers. */
export class Deferred<T> {
  resolve: (value: T) => void = () => {};
  reject: (error: Error) => void = () => {};
  readonly promise: Promise<T> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** The result of `work`, or of `onTimeout` when `work` takes longer than the given ms. */
export async function withTimeout<T, U>(
  ms: number,
  work: Promise<T>,
  onTimeout: () => U | Promise<U>,
): Promise<T | U> {
  const late = Symbol('late');
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof late>((resolve) => {
    timer = setTimeout(resolve, ms, late);
  });
  const first = await Promise.race([work, timeout]).finally(() => clearTimeout(timer));
  return first === late ? onTimeout() : (first as T);
}
