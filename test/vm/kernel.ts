import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../../scripts/entry.mjs';
import { type Architecture, platforms } from './architecture.ts';
import { buildKernel, configuration, kbuildPlace } from './build-kernel.ts';
import { buildDirectory, cacheDirectory, withLock } from './cache.ts';
import type { Suite } from './debian-sources.ts';
import { packBootFiles } from './initramfs.ts';
import { cached, hour, type Kept, refresh, versionDirectory, week } from './kept.ts';
import { fetching, PackageSource } from './package-source.ts';
import { ensureHostPackages } from './packages.ts';
import { output } from './program.ts';
import { step } from './progress.ts';
import { rootTree } from './root-tree.ts';

/**
 * The kernels that guests can run: `6.12` and `6.1` as Debian builds them (SMC-R only), and `6.12-smcd`,
 * the same 6.12 with smc rebuilt to have the loopback-ism device (SMC-D too). `7.x` is Debian's newest source, built here
 * because Debian's own, `7.x-debian`, has no SMC, and `7.x-smcd` the same with the loopback device of dibs; these two for
 * x64 only.
 */
export type KernelName = '6.1' | '6.12' | '6.12-smcd' | '7.x' | '7.x-smcd' | '7.x-debian';

/** Those that have SMC. */
export type SmcKernelName = Exclude<KernelName, '7.x-debian'>;

/** All kernels with SMC, oldest first. */
export const kernelNames: readonly SmcKernelName[] = ['6.1', '6.12', '6.12-smcd', '7.x', '7.x-smcd'];

/** Whether it is built as a whole, which takes long. */
const takesLong = (name: KernelName): boolean => name === '7.x' || name === '7.x-smcd';

/** The lock for preparing a kernel: whoever wants one of Debian's does not wait for a long build. */
const lockOf = (name: KernelName): string => (takesLong(name) ? 'kernels-7.x' : 'kernels');

/** The kernels that take no long build, or have had it: those that a test may boot without making the user wait. */
export async function kernelsAtHand(): Promise<SmcKernelName[]> {
  const isThere = await Promise.all(
    kernelNames.map(
      async (name) => !takesLong(name) || Boolean(await cached(keptKernel(name, 'x64'), Infinity)),
    ),
  );
  return kernelNames.filter((_, index) => isThere[index]);
}

/** A kernel on disk, ready to boot. */
export interface Kernel {
  name: KernelName;
  architecture: Architecture;
  /** Version of the Debian package that it comes from. */
  version: string;
  /** What `uname -r` prints. */
  release: string;
  /** The bzImage. */
  image: string;
  /** The directory to see at /lib/modules: all modules of the package or of the build, with depmod's data. */
  modules: string;
  /** A cpio archive with busybox and the modules for the initramfs. */
  bootFiles: string;
}

// A change of what the cached directories hold has them built again.
const layout = 'v1';

const prepared = new Map<string, Promise<Kernel>>();

/**
 * A kernel by name: from the cache, else fetched and built there, which takes some seconds to about a
 * minute, or much longer for 7.x, and says so on stderr. Looks for a newer package once a week, but not for 7.x. When
 * several processes ask at the same time, one prepares and the others wait.
 *
 * @throws Error when the kernel is not in the cache and cannot be fetched or built
 */
export function kernel(name: KernelName, architecture: Architecture = 'x64'): Promise<Kernel> {
  const kept = keptKernel(name, architecture);
  let result = prepared.get(kept.directory);
  if (!result) {
    // what takes long to build is built once: to have a newer one, the user deletes it
    const maxAge = takesLong(name) ? Infinity : week;
    result = cached(kept, maxAge)
      .then((found) => found ?? withLock(lockOf(name), () => refresh(kept, maxAge)))
      .then((version) => load(name, architecture, version));
    prepared.set(kept.directory, result);
  }
  return result;
}

/** Where the files come from: how to find the newest version, and how to fill a directory with it. */
type Recipe = Pick<Kept, 'newest' | 'build'> & Partial<Pick<Kept, 'layout'>>;

/** Of what is built from source. */
const builtLayout = `${layout}.${configuration.mark}`;

const recipes: Record<KernelName, (architecture: Architecture) => Recipe> = {
  '6.1': (architecture) => stock('6.1.', 'bookworm', architecture),
  '6.12': (architecture) => stock('6.12.', 'bookworm-backports', architecture),
  '7.x-debian': (architecture) => stock('7.', 'forky', architecture),
  '6.12-smcd': (architecture) => ({
    // The rebuild takes headers and source of the very same version, which are gone from the suite once a
    // newer one is there.
    newest: () => refresh(keptKernel('6.12', architecture), hour),
    build: (version, directory) => rebuildWithLoopback(architecture, version, directory),
  }),
  '7.x': (architecture) => fromSource(architecture),
  '7.x-smcd': (architecture) => ({
    newest: () => refresh(keptKernel('7.x', architecture), Infinity),
    build: withDibsLoopback,
    layout: builtLayout,
  }),
};

function keptKernel(name: KernelName, architecture: Architecture): Kept {
  const full = architecture === 'x64' ? name : `${name}-${architecture}`;
  return {
    what: `kernel ${full}`,
    directory: join(cacheDirectory(), 'kernels', full),
    layout,
    ...recipes[name](architecture),
  };
}

/** A kernel that the cache has. */
async function load(name: KernelName, architecture: Architecture, version: string): Promise<Kernel> {
  const directory = versionDirectory(keptKernel(name, architecture), version);
  const modules = join(directory, 'full/lib/modules');
  const [release = ''] = await readdir(modules);
  return {
    name,
    architecture,
    version,
    release,
    image: join(directory, 'vmlinuz'),
    modules,
    bootFiles: join(directory, 'boot-files.cpio'),
  };
}

/** A kernel as a suite has it, where `linux-image-ARCHITECTURE` must depend on one of a version that begins so. */
function stock(series: '6.1.' | '6.12.' | '7.', suite: Suite, architecture: Architecture): Recipe {
  const { debian } = platforms[architecture];
  const source = new PackageSource(suite, debian);
  const newest = `linux-image-${debian}`;
  return {
    newest: async () => {
      await step(`fetching Debian's package lists of ${source.name}`, (tell) => source.update(tell));
      return (await source.look(newest)).version;
    },
    build: async (version, directory) => {
      const { depends } = await source.look(newest);
      const image = depends.find((dependency) => dependency.startsWith(`linux-image-${series}`));
      if (!image) throw new Error(`${suite} has no kernel ${series}x any more, but ${depends.join(' ')}`);
      const release = image.slice('linux-image-'.length);
      // newer suites have the image, the modules and their lists in packages of their own
      const parts = (await source.look(image)).depends.filter((name) => name.endsWith(`-${release}`));
      const unpacked = join(directory, 'unpacked');
      await fetching(source, `${image} ${version}`, [image, ...parts], unpacked);
      await mkdir(join(directory, 'full/lib'), { recursive: true });
      const usr = parts.length > 0 ? join(unpacked, 'usr') : unpacked;
      await rename(join(usr, 'lib/modules'), join(directory, 'full/lib/modules'));
      const packed =
        parts.length > 0
          ? join(directory, 'full/lib/modules', release, 'vmlinuz')
          : join(unpacked, 'boot', `vmlinuz-${release}`);
      await rename(packed, join(directory, 'vmlinuz'));
      await rm(unpacked, { recursive: true });
      await finishTrees(directory, release, architecture);
    },
  };
}

/** A kernel built from the newest source of Debian's. */
function fromSource(architecture: Architecture): Recipe {
  const source = new PackageSource('trixie-backports', platforms[architecture].debian);
  return {
    layout: builtLayout,
    newest: async () => {
      if (architecture !== 'x64')
        throw new Problem(`kernel 7.x is built for x64 only, not for ${architecture}`);
      await step(`fetching Debian's package lists of ${source.name}`, (tell) => source.update(tell));
      return (await source.look('linux-source')).version;
    },
    build: async (version, directory) => {
      const { depends } = await source.look('linux-source');
      const name = depends.find((dependency) => dependency.startsWith('linux-source-7.'));
      if (!name)
        throw new Error(`${source.name} has no source of Linux 7 any more, but ${depends.join(' ')}`);
      await ensureHostPackages(['kernel-build']);
      const release = await buildKernel(
        (unpacked) => fetching(source, `${name} ${version}`, [`${name}=${version}`], unpacked),
        version,
        directory,
      );
      await finishTrees(directory, release, architecture);
    },
  };
}

/** The kernel 7.x with the other module dibs that was built with it. */
async function withDibsLoopback(version: string, directory: string): Promise<void> {
  const base = await load('7.x', 'x64', version);
  await mkdir(join(directory, 'full/lib'), { recursive: true });
  await output('cp', ['-al', base.modules, join(directory, 'full/lib/modules')]);
  const module = join(directory, 'full/lib/modules', base.release, 'kernel/drivers/dibs/dibs.ko');
  await rm(module);
  await copyFile(join(dirname(base.image), 'dibs-loopback.ko'), module);
  await copyFile(base.image, join(directory, 'vmlinuz'));
  await finishTrees(directory, base.release, 'x64');
}

/** Builds smc and smc_diag of the cached 6.12 with CONFIG_SMC_LO, which Debian leaves out. */
async function rebuildWithLoopback(
  architecture: Architecture,
  version: string,
  directory: string,
): Promise<void> {
  const base = await load('6.12', architecture, version);
  const { release } = base;
  const { debian, kernel, tools, toolUses } = platforms[architecture];
  const abi = release.slice(0, -`-${debian}`.length);
  const suite = 'bookworm-backports';
  await ensureHostPackages(['smcd-kernel', ...toolUses]);
  const root = await mkdtemp(join(kbuildPlace(), 'smc-tools-kbuild-'));
  try {
    // kbuild has programs of this machine
    const fetch = async (machine: string, what: string, names: string[]) => {
      const exact = names.map((name) => `${name}=${version}`);
      await fetching(new PackageSource(suite, machine), `${what} of ${version}`, exact, root);
    };
    await fetch(debian, 'headers', [`linux-headers-${release}`, `linux-headers-${abi}-common`]);
    await fetch('amd64', 'source and kbuild', [`linux-kbuild-${abi}`, 'linux-source-6.12']);
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
          `ARCH=${kernel}`,
          `CROSS_COMPILE=${tools}`,
          `CC=${tools}gcc`,
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
      await output(`${tools}strip`, ['-g', '-o', join(place, module), join(smc, module)]);
    }
    await copyFile(base.image, join(directory, 'vmlinuz'));
    await finishTrees(directory, release, architecture);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Derives all else from `full/lib/modules`: depmod's data, the initramfs files. */
async function finishTrees(directory: string, release: string, architecture: Architecture): Promise<void> {
  const { busybox } = await rootTree(architecture);
  await step(`indexing the modules of ${release}`, async () => {
    const full = join(directory, 'full');
    await output('depmod', ['-b', full, release]);
    await writeFile(
      join(directory, 'boot-files.cpio'),
      await packBootFiles(full, release, { busybox, more: platforms[architecture].modules }),
    );
  });
}

/**
 * The directory to see at /lib/modules in a guest that has no smc and smc_diag. Made when it is asked for: few guests
 * need it, and depmod takes its time.
 */
export async function modulesWithoutSmc({ name, modules, release }: Kernel): Promise<string> {
  const tree = join(dirname(dirname(dirname(modules))), 'without-smc');
  const made = join(tree, 'lib/modules');
  const isThere = () => readdir(made).then(Boolean, () => false);
  if (await isThere()) return made;
  await withLock(lockOf(name), async () => {
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
