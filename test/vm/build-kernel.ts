import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { keepDetails, Problem } from '../../scripts/entry.mjs';
import { cacheDirectory } from './cache.ts';
import { output, text } from './program.ts';
import { step } from './progress.ts';

/** To be raised when the steps of the build change. */
const STEPS = 1;

/** The options of kernel-7.config, and a mark that changes with them and with the build. */
export const configuration = readConfiguration();

function readConfiguration(): { file: string; options: string[]; mark: string } {
  const file = new URL('kernel-7.config', import.meta.url).pathname;
  const options = readFileSync(file, 'utf8').match(/^CONFIG_\w+=.+$/gm) ?? [];
  const mark = createHash('sha256')
    .update(JSON.stringify([options, STEPS]))
    .digest('hex')
    .slice(0, 12);
  return { file, options, mark };
}

/** Where kbuild can work: not in memory, as /tmp is in newer systems, but not in every directory either. */
export function kbuildPlace(): string {
  return /[\s:]/.test(cacheDirectory()) ? tmpdir() : cacheDirectory();
}

/** Files that a build compiles, for its progress. */
const FILES = 1600;

/**
 * Builds a kernel with the options of kernel-7.config from the source that `fetch` unpacks. The directory then has
 * `vmlinuz`, the modules in `full/lib/modules`, the module `dibs-loopback.ko`, which can take the place of dibs, and
 * `bpftool`. To be called by one process at a time.
 *
 * @returns the kernel's release
 * @throws Error when the configuration is not what was asked for, or when the build fails
 */
export async function buildKernel(
  fetch: (directory: string) => Promise<void>,
  version: string,
  directory: string,
): Promise<string> {
  const root = join(kbuildPlace(), 'smc-tools-kernel-build');
  // a build that was killed has left everything there
  await rm(root, { recursive: true, force: true });
  // dpkg-deb makes the directory that it unpacks to, but not the one above it
  await mkdir(root, { recursive: true });
  try {
    await fetch(join(root, 'fetched'));
    const source = join(root, 'source');
    await mkdir(source);
    await step(`unpacking the source of Linux ${version}`, async () => {
      const packed = join(root, 'fetched/usr/src');
      const [tarball] = (await text('ls', [packed])).split('\n').filter((name) => name.endsWith('.tar.xz'));
      // of the documentation, only what the configuration reads
      const without = ['*/Documentation/*/*', '*/tools/testing/*'].map((some) => `--exclude=${some}`);
      await output('tar', [
        '-xf',
        join(packed, tarball ?? ''),
        '-C',
        source,
        '--strip-components=1',
        ...without,
      ]);
      await rm(join(root, 'fetched'), { recursive: true });
    });
    return await buildIn(source, version, directory);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function buildIn(source: string, version: string, directory: string): Promise<string> {
  const make = (targets: string[], tell?: (line: string) => void) => runMake(source, targets, tell);
  await step(`configuring Linux ${version}`, async () => {
    await make([`KCONFIG_ALLCONFIG=${configuration.file}`, 'allnoconfig']);
    await checkConfiguration(join(source, '.config'));
  });
  let compiled = 0;
  await step(`building Linux ${version} (once; 40 minutes where other work leaves it one core)`, (tell) =>
    make(['bzImage', 'modules'], (line) => {
      if (/^ {2}(CC|AS)\b/.test(line)) tell(`${++compiled} of about ${FILES} files`);
    }),
  );
  const release = (
    await text('make', ['-s', ...FLAGS, '-C', source, 'kernelrelease'], { env: environment() })
  ).trim();
  await step(`taking the kernel ${release} and its modules`, async () => {
    await copyFile(join(source, 'arch/x86/boot/bzImage'), join(directory, 'vmlinuz'));
    const full = join(directory, 'full');
    await make([`INSTALL_MOD_PATH=${full}`, 'INSTALL_MOD_STRIP=1', 'DEPMOD=true', 'modules_install']);
    await rm(join(full, 'lib/modules', release, 'build'), { force: true });
    // the same module once more, as kbuild makes it with the option that is not in the configuration
    await make(['M=drivers/dibs', 'CONFIG_DIBS_LO=y', 'KCFLAGS=-DCONFIG_DIBS_LO=1', 'modules']);
    await output('strip', [
      '-g',
      '-o',
      join(directory, 'dibs-loopback.ko'),
      join(source, 'drivers/dibs/dibs.ko'),
    ]);
  });
  await step(`building bpftool ${version}`, async () => {
    // without what it can do with clang and LLVM at hand
    const without = ['BUILD_BPF_SKELS=', 'SKIP_LLVM=1', 'SKIP_LIBBFD=1', 'SKIP_CRYPTO=1'];
    await make(['-C', 'tools/bpf/bpftool', ...without, 'bpftool']);
    await output('strip', ['-o', join(directory, 'bpftool'), join(source, 'tools/bpf/bpftool/bpftool')]);
  });
  return release;
}

/**
 * The options that a configuration lacks: those that depend on others which are not there fall away without a word, and
 * that must not pass unnoticed.
 */
export function missingOptions(options: readonly string[], made: string): string[] {
  const lines = new Set(made.split('\n'));
  return options.filter((option) => !lines.has(option));
}

async function checkConfiguration(file: string): Promise<void> {
  const missing = missingOptions(configuration.options, await readFile(file, 'utf8'));
  if (missing.length > 0)
    throw new Problem(`the kernel cannot be built: its source has no such options: ${missing.join(' ')}`);
}

const FLAGS = ['ARCH=x86_64', 'CC=gcc'];

/** The same for every build, so that two builds give the same bytes. */
function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LC_ALL: 'C',
    KBUILD_BUILD_TIMESTAMP: '2026-01-01',
    KBUILD_BUILD_USER: 'smc-tools',
    KBUILD_BUILD_HOST: 'smc-tools',
    // the source may lie in a checkout of something else
    LOCALVERSION: '',
  };
}

async function runMake(
  source: string,
  words: string[],
  tell: (line: string) => void = () => {},
): Promise<void> {
  // The kernel ends make with this process, and make ends what it started. It runs with low priority because it takes long.
  const command = ['--pdeathsig', 'TERM', 'nice', 'make', '-j2', ...FLAGS, ...words];
  const child = spawn('setpriv', command, {
    cwd: source,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      said += `${line}\n`;
      tell(line);
    });
  const status = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  if (status === 0) return;
  const why = /^.*(?:error:|Error \d).*$/im.exec(said)?.[0].trim() ?? `status ${status}`;
  const details = keepDetails('kernel-build', said);
  throw new Problem(`make ${words.at(-1)} failed: ${why}${details ? ` (details: ${details})` : ''}`);
}
