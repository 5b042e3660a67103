import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { oneLine, Problem } from '../../scripts/entry.mjs';
import { amount } from './apt.ts';
import { buildDirectory, cacheDirectory, withLock } from './cache.ts';
import type { Suite } from './debian-sources.ts';
import { packBootFiles } from './initramfs.ts';
import { PackageSource } from './package-source.ts';
import { ensureHostPackages } from './packages.ts';
import { output } from './program.ts';
import { report, step } from './progress.ts';

/**
 * The kernels that guests can run: `6.12` and `6.1` as Debian builds them (SMC-R only), and `6.12-smcd`,
 * the same 6.12 with smc rebuilt to have the loopback-ism device (SMC-D too).
 */
export type KernelName = '6.1' | '6.12' | '6.12-smcd';

/** All kernels, oldest first. */
export const kernelNames: readonly KernelName[] = ['6.1', '6.12', '6.12-smcd'];

/** A kernel on disk, ready to boot. */
export interface Kernel {
  name: KernelName;
  /** Version of the Debian package that it comes from. */
  version: string;
  /** What `uname -r` prints. */
  release: string;
  /** The bzImage. */
  image: string;
  /** The directory to see at /lib/modules: everything Debian ships, with depmod's data. */
  modules: string;
  /** A cpio archive with busybox and the modules for the initramfs. */
  bootFiles: string;
}

const hour = 3600_000;
const day = 24 * hour;
const week = 7 * day;

// Part of each cached directory's name: a change of what the directories hold has them built again.
const layout = 'v1';

const prepared = new Map<KernelName, Promise<Kernel>>();

/**
 * A kernel by name: from the cache, else fetched and built there, which takes some seconds to about a
 * minute and says so on stderr. Looks for a newer package once a week. When several processes ask at the
 * same time, one prepares and the others wait.
 *
 * @throws Error when the kernel is not in the cache and cannot be fetched or built
 */
export function kernel(name: KernelName): Promise<Kernel> {
  let result = prepared.get(name);
  if (!result) {
    result = cached(name, week).then((found) => found ?? withLock('kernels', () => refresh(name, week)));
    prepared.set(name, result);
  }
  return result;
}

/** Where the files come from: how to find the newest version, and how to fill a directory with it. */
interface Recipe {
  newest(): Promise<string>;
  build(version: string, directory: string): Promise<void>;
}

const recipes: Record<KernelName, Recipe> = {
  '6.1': stock('6.1', 'bookworm'),
  '6.12': stock('6.12', 'bookworm-backports'),
  '6.12-smcd': {
    // The rebuild takes headers and source of the very same version, which are gone from the suite once a
    // newer one is there.
    newest: async () => (await refresh('6.12', hour)).version,
    build: rebuildWithLoopback,
  },
};

/** The kernel as cached, or nothing if there is none or if it is time to look for a newer one. */
async function cached(name: KernelName, maxAge: number): Promise<Kernel | undefined> {
  const current = await readCurrent(name);
  if (!current || Date.now() - current.checked > maxAge) return undefined;
  return load(name, current.version);
}

/** As {@link kernel}, for the holder of the lock. */
async function refresh(name: KernelName, maxAge: number): Promise<Kernel> {
  const found = await cached(name, maxAge);
  if (found) return found;
  const recipe = recipes[name];
  const current = await readCurrent(name);
  try {
    const version = await recipe.newest();
    if (!(await load(name, version))) {
      await buildDirectory(versionDirectory(name, version), (directory) => recipe.build(version, directory));
    }
    await writeCurrent(name, { version, checked: Date.now() });
    await dropOld(name);
    return await loadExisting(name, version);
  } catch (error) {
    const old = current && (await load(name, current.version));
    if (!old) {
      if (error instanceof Problem) throw error;
      throw new Error(`cannot prepare kernel ${name}: ${oneLine(error)}`, { cause: error });
    }
    report(
      `cannot bring kernel ${name} up to date, so ${old.version} is used for another day: ${oneLine(error)}`,
    );
    await writeCurrent(name, { version: old.version, checked: Date.now() - week + day });
    return old;
  }
}

interface Current {
  version: string;
  /** When it was last known to be the newest: ms since 1970. */
  checked: number;
}

function nameDirectory(name: KernelName): string {
  return join(cacheDirectory(), 'kernels', name);
}

function versionDirectory(name: KernelName, version: string): string {
  return join(nameDirectory(name), `${version}.${layout}`);
}

async function readCurrent(name: KernelName): Promise<Current | undefined> {
  const content = await readFile(join(nameDirectory(name), 'current.json'), 'utf8').catch(() => undefined);
  try {
    return content === undefined ? undefined : (JSON.parse(content) as Current);
  } catch {
    // a damaged file is as good as none
    return undefined;
  }
}

async function writeCurrent(name: KernelName, current: Current): Promise<void> {
  const file = join(nameDirectory(name), 'current.json');
  // Readers do not take the lock, so they must never see half a file.
  await writeFile(`${file}.new`, JSON.stringify(current));
  await rename(`${file}.new`, file);
}

async function load(name: KernelName, version: string): Promise<Kernel | undefined> {
  const directory = versionDirectory(name, version);
  const modules = join(directory, 'full/lib/modules');
  const [release] = await readdir(modules).catch(() => []);
  if (!release) return undefined;
  return {
    name,
    version,
    release,
    image: join(directory, 'vmlinuz'),
    modules,
    bootFiles: join(directory, 'boot-files.cpio'),
  };
}

async function loadExisting(name: KernelName, version: string): Promise<Kernel> {
  const found = await load(name, version);
  if (!found) throw new Error(`kernel ${name} ${version} is not in ${nameDirectory(name)}`);
  return found;
}

/** Keeps the two newest versions: a guest of another process may still run the one before the current. */
async function dropOld(name: KernelName): Promise<void> {
  const entries = await readdir(nameDirectory(name), { withFileTypes: true });
  const directories = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(nameDirectory(name), entry.name));
  const aged = await Promise.all(
    directories.map(async (path) => ({ path, made: (await stat(path)).mtimeMs })),
  );
  aged.sort((a, b) => b.made - a.made);
  for (const { path } of aged.slice(2)) await rm(path, { recursive: true, force: true });
}

/** A kernel as a suite has it, where `linux-image-amd64` must depend on one of the given version. */
function stock(name: '6.1' | '6.12', suite: Suite): Recipe {
  const source = new PackageSource(suite);
  return {
    newest: async () => {
      await step(`fetching Debian's package lists of ${suite}`, (tell) => source.update(tell));
      return (await source.look('linux-image-amd64')).version;
    },
    build: async (version, directory) => {
      const { depends } = await source.look('linux-image-amd64');
      const image = depends.find((dependency) => dependency.startsWith(`linux-image-${name}.`));
      if (!image) throw new Error(`${suite} has no kernel ${name} any more, but ${depends.join(' ')}`);
      const release = image.slice('linux-image-'.length);
      const unpacked = join(directory, 'unpacked');
      await fetching(source, `${image} ${version}`, [image], unpacked);
      await copyFile(join(unpacked, 'boot', `vmlinuz-${release}`), join(directory, 'vmlinuz'));
      await mkdir(join(directory, 'full/lib'), { recursive: true });
      await rename(join(unpacked, 'lib/modules'), join(directory, 'full/lib/modules'));
      await rm(unpacked, { recursive: true });
      await finishTrees(directory, release);
    },
  };
}

/** Fetches and unpacks packages, and says before how much that is. */
async function fetching(source: PackageSource, what: string, names: string[], directory: string) {
  const size = await source.size(names);
  const said = size === undefined ? '' : ` (${amount(size)})`;
  await step(`fetching ${what}${said}`, (tell) => source.unpack(names, directory, tell));
}

/** Builds smc and smc_diag of the cached 6.12 with CONFIG_SMC_LO, which Debian leaves out on amd64. */
async function rebuildWithLoopback(version: string, directory: string): Promise<void> {
  const base = await loadExisting('6.12', version);
  const { release } = base;
  const abi = release.replace(/-amd64$/, '');
  const source = new PackageSource('bookworm-backports');
  await ensureHostPackages(['smcd-kernel']);
  // /tmp is memory in newer systems, but kbuild cannot work in every directory
  const place = /[\s:]/.test(cacheDirectory()) ? tmpdir() : cacheDirectory();
  const root = await mkdtemp(join(place, 'smc-tools-kbuild-'));
  try {
    const names = [
      `linux-headers-${release}`,
      `linux-headers-${abi}-common`,
      `linux-kbuild-${abi}`,
      'linux-source-6.12',
    ];
    const exact = names.map((name) => `${name}=${version}`);
    await fetching(source, `linux-source-6.12 and headers of ${version}`, exact, root);
    const headers = join(root, 'usr/src', `linux-headers-${release}`);
    const makefile = join(headers, 'Makefile');
    // The packages expect to be installed: this is their one absolute path that counts.
    await writeFile(makefile, (await readFile(makefile, 'utf8')).replaceAll('/usr/src/', `${root}/usr/src/`));
    const smc = join(root, 'net/smc');
    await step(`building smc with loopback-ism for ${release}`, async () => {
      const tarball = join(root, 'usr/src/linux-source-6.12.tar.xz');
      await output('tar', ['-xf', tarball, '-C', root, '--strip-components=1', '--wildcards', '*/net/smc']);
      await output('make', [
        ...[
          '-j2',
          '-C',
          headers,
          `M=${smc}`,
          'CC=gcc',
          'CONFIG_SMC=m',
          'CONFIG_SMC_DIAG=m',
          'CONFIG_SMC_LO=y',
        ],
        // The C sources ask for the option too, and type information for modules would want pahole.
        ...['KCFLAGS=-DCONFIG_SMC_LO=1', 'CONFIG_DEBUG_INFO_BTF_MODULES=', 'modules'],
      ]);
    });
    await mkdir(join(directory, 'full/lib'), { recursive: true });
    await output('cp', ['-al', base.modules, join(directory, 'full/lib/modules')]);
    const place = join(directory, 'full/lib/modules', release, 'kernel/net/smc');
    await rm(place, { recursive: true });
    await mkdir(place);
    for (const module of ['smc.ko', 'smc_diag.ko']) {
      await output('strip', ['-g', '-o', join(place, module), join(smc, module)]);
    }
    await copyFile(base.image, join(directory, 'vmlinuz'));
    await finishTrees(directory, release);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Derives all else from `full/lib/modules`: depmod's data, the initramfs files. */
async function finishTrees(directory: string, release: string): Promise<void> {
  await step(`indexing the modules of ${release}`, async () => {
    const full = join(directory, 'full');
    await output('depmod', ['-b', full, release]);
    await writeFile(join(directory, 'boot-files.cpio'), await packBootFiles(full, release));
  });
}

/**
 * The directory to see at /lib/modules in a guest that has no smc and smc_diag. Made when it is asked for: few guests
 * need it, and depmod takes its time.
 */
export async function modulesWithoutSmc({ modules, release }: Kernel): Promise<string> {
  const tree = join(dirname(dirname(dirname(modules))), 'without-smc');
  const made = join(tree, 'lib/modules');
  const isThere = () => readdir(made).then(Boolean, () => false);
  if (await isThere()) return made;
  await withLock('kernels', async () => {
    if (await isThere()) return;
    await step(`indexing the modules of ${release} without smc`, () =>
      buildDirectory(tree, async (temporary) => {
        await mkdir(join(temporary, 'lib'));
        await output('cp', ['-al', modules, join(temporary, 'lib/modules')]);
        await rm(join(temporary, 'lib/modules', release, 'kernel/net/smc'), { recursive: true });
        // depmod replaces its files by renaming, so the hard links keep the two trees apart.
        await output('depmod', ['-b', temporary, release]);
      }),
    );
  });
  return made;
}
