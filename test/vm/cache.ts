import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheBase } from '../../scripts/entry.mjs';
import { step } from './progress.ts';

/**
 * The directory that keeps what the bed fetched and built, outside the source tree:
 * `vm` below `$SMC_TOOLS_CACHE`, else below `smc-tools` in `$XDG_CACHE_HOME` or `~/.cache`.
 */
export function cacheDirectory(): string {
  return join(cacheBase(), 'vm');
}

/**
 * Makes a directory that is either absent or complete: `build` fills a temporary one beside it, which
 * is renamed once `build` has returned. A build that fails or is interrupted leaves nothing that counts.
 */
export async function buildDirectory(
  directory: string,
  build: (temporary: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(directory), { recursive: true });
  const temporary = await mkdtemp(`${directory}.building-`);
  try {
    await build(temporary);
    await rename(temporary, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Runs `work` while no other process of this machine holds the lock of this name. One that comes second
 * waits, however long. The lock cannot outlive this process.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  await mkdir(cacheDirectory(), { recursive: true });
  const file = join(cacheDirectory(), `${name}.lock`);
  // Node has no flock(2). The child holds the lock for as long as its stdin, a pipe from here, is open.
  const holder = spawn('flock', [file, 'sh', '-c', 'echo locked; cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // A Ctrl-C on the terminal must not end the holder before its owner.
    detached: true,
  });
  const exited = once(holder, 'exit');
  const locked = Promise.race([
    once(holder.stdout, 'data'),
    exited.then(() => {
      throw new Error(`cannot lock ${file}: flock failed`);
    }),
  ]);
  const waiting = setTimeout(() => {
    step(`waiting for another process that is preparing ${name}`, () => locked).catch(() => {});
  }, 2000);
  try {
    await locked;
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.end();
    await exited.catch(() => {});
  }
}
