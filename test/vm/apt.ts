import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Problem } from '../../scripts/entry.mjs';
import { output } from './program.ts';
import { report } from './progress.ts';

/** How to run apt. */
export interface AptOptions {
  /** By sudo, unless this process is root's already. */
  asRoot?: boolean;
  /** Working directory; the current one if not given. */
  cwd?: string;
  /** Settings of apt.conf, by name. */
  settings?: Record<string, string>;
  /** Hears how far apt is, in a word or two. */
  tell?: (detail: string) => void;
}

// sudo begins with an environment of its own.
const kept = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'all_proxy'].flatMap((name) => [
  name,
  name.toUpperCase(),
]);

/**
 * Runs `apt-get` or `apt-cache`.
 *
 * @returns what it wrote to stdout
 * @throws Problem with apt's own words when it fails, or that there is no apt
 */
export async function apt(
  program: 'apt-get' | 'apt-cache',
  words: string[],
  { asRoot = false, cwd, settings = {}, tell }: AptOptions = {},
): Promise<string> {
  const environment = { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const options = { 'DPkg::Lock::Timeout': '600', ...(tell && { 'APT::Status-Fd': '1' }), ...settings };
  const command = [
    program,
    '-q',
    ...words,
    ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
  ];
  if (asRoot && process.getuid?.() !== 0) {
    const variables = { ...environment, ...pick(process.env, kept) };
    command.unshift(...sudo, 'env', ...Object.entries(variables).map(([key, value]) => `${key}=${value}`));
  }
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  const errors: string[] = [];
  const hear = (line: string) => {
    const detail = progressOf(line);
    if (detail) tell?.(detail);
    return detail !== undefined;
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!hear(line)) stdout += `${line}\n`;
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!hear(line)) errors.push(line);
  });
  const [status] = await once(child, 'close').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? noApt() : error;
  });
  if (status === 0) return stdout;
  throw new Problem(`${program} ${words[0]}: ${complaint(errors) || `status ${status}`}`);
}

/** What a line of apt says about its progress: its lines for other programs, and that it waits for a lock. */
function progressOf(line: string): string | undefined {
  const [, what, percent] = /^(dl|pm)status:[^:]*:([\d.]+):/.exec(line) ?? [];
  if (percent) return `${Math.round(Number(percent))} % ${what === 'dl' ? 'fetched' : 'installed'}`;
  const [, holder] = /^Waiting for cache lock:.*held by process (\d+ *(?:\([^)]*\))?)/.exec(line) ?? [];
  return holder && `waiting for process ${holder.trim()}, which has apt's lock`;
}

/** apt's own words for its failure. */
function complaint(lines: string[]): string {
  const errors = lines.filter((line) => line.startsWith('E: ')).map((line) => line.slice(3).trim());
  const own = errors.filter((line) => !line.startsWith('Some index files failed to download'));
  return [...new Set(errors.length > 0 ? own : lines.slice(-1))].slice(0, 2).join('; ');
}

function noApt(): Problem {
  return new Problem('this takes a machine with Debian or Ubuntu: there is no apt-get here');
}

function pick(from: NodeJS.ProcessEnv, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (from[name] ? [[name, from[name]]] : [])));
}

/**
 * Fetches packages by name, or by NAME=VERSION, and unpacks all of them into one directory. None of their scripts runs, and
 * nothing is installed.
 *
 * @param directory where to; the archives are in it, too, while they are unpacked
 * @throws Problem when a package cannot be fetched
 */
export async function unpackPackages(
  names: string[],
  directory: string,
  { settings, tell }: Pick<AptOptions, 'settings' | 'tell'> = {},
): Promise<void> {
  await mkdir(directory, { recursive: true });
  // not in /tmp, which is memory in newer systems
  const archives = await mkdtemp(join(directory, 'fetched-'));
  try {
    await apt('apt-get', ['download', ...names], {
      cwd: archives,
      // apt's own user cannot enter the directory
      settings: { ...settings, 'APT::Sandbox::User': 'root' },
      ...(tell && { tell }),
    });
    for (const archive of await readdir(archives)) {
      tell?.(`unpacking ${archive.replace(/_.*/, '')}`);
      await output('dpkg-deb', ['-x', join(archives, archive), directory]);
    }
  } finally {
    await rm(archives, { recursive: true, force: true });
  }
}

/** Bytes that `apt-get install` or `apt-get download` has to fetch for these words; undefined when apt does not know. */
export async function downloadSize(words: string[], options: AptOptions = {}): Promise<number | undefined> {
  const listing = await apt('apt-get', ['-y', '--print-uris', ...words], options).catch(() => undefined);
  if (listing === undefined) return undefined;
  // 'URI' FILE SIZE HASH
  return [...listing.matchAll(/^'[^']+' \S+ (\d+)/gm)].reduce((sum, [, size]) => sum + Number(size), 0);
}

/** Seconds that fetching and unpacking takes, beside those for each MB; on two idle cores and a fast line. */
const BASE_S = 10;
const S_PER_MB = 0.3;

/** What fetching and unpacking these bytes means for people: how much, and how long it takes as a rule. */
export function amount(bytes: number): string {
  const megabytes = Math.max(1, Math.round(bytes / 1e6));
  const seconds = BASE_S + megabytes * S_PER_MB;
  const time = seconds < 60 ? 'under a minute' : `${Math.ceil(seconds / 60)} minutes`;
  return `${megabytes} MB to fetch, as a rule ${time}`;
}

let sudo = ['sudo', '-n'];

/**
 * Makes sure that commands can be run as root: as root, by sudo without a password, or by sudo that asks for it on the
 * terminal.
 *
 * @param command what the user can run by hand, for the message
 * @throws Problem when there is no such way
 */
export async function ensureRoot(command: string): Promise<void> {
  if (process.getuid?.() === 0) return;
  if ((await runs('sudo', ['-n', 'true'])) === 0) return;
  if (hasTerminal() && (await runs('sudo', ['-n', '--version'])) === 0) {
    report('installing Debian packages takes root: sudo asks for your password');
    if ((await runs('sudo', ['-v'])) === 0) {
      sudo = ['sudo'];
      return;
    }
  }
  throw new Problem(
    `Debian packages are missing, and this is neither root nor a user with sudo; run: ${command}`,
  );
}

async function runs(file: string, args: string[]): Promise<number | null> {
  const child = spawn(file, args, { stdio: ['inherit', 'ignore', args[0] === '-v' ? 'inherit' : 'ignore'] });
  const [status] = await once(child, 'close').catch(() => [null]);
  return status as number | null;
}

function hasTerminal(): boolean {
  try {
    accessSync('/dev/tty', constants.R_OK | constants.W_OK);
    return process.stderr.isTTY === true;
  } catch {
    return false;
  }
}
