import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { output, text } from './program.ts';

/** Modules that a guest needs for its root file system, and for devices that tests use. */
const baseModules = [...['virtio_net', 'virtio_rng', '9p', '9pnet_virtio', 'overlay'], ...['dummy', 'veth']];

/** Without it, kernels that have it refuse to add an rxe device; none of their modules depends on it by name. */
const CRC32 = 'crc32_generic';

/** Modules that SMC needs at boot, if the kernel has SMC. */
const smcModules = ['rdma_rxe', 'ib_uverbs', 'smc', 'smc_diag'];

/**
 * Packs busybox and the boot modules with everything that they depend on. In the archive, `/modules/base` and
 * `/modules/smc` name the module files of each set in the order in which they are loaded.
 *
 * @param tree directory with `lib/modules/RELEASE` in it, depmod's data included
 * @param options a static busybox of the guest's machine, and modules that only this machine needs
 * @returns a cpio archive for the kernel to unpack
 */
export async function packBootFiles(
  tree: string,
  release: string,
  { busybox, more }: { busybox: string; more: readonly string[] },
): Promise<Buffer> {
  const known = await readFile(join(tree, 'lib/modules', release, 'modules.dep'), 'utf8');
  const crc32 = known.includes(`/${CRC32}.ko`) ? [CRC32] : [];
  const base = await closure(tree, release, [...more, ...baseModules, ...crc32]);
  const hasSmc = known.includes('/smc.ko');
  const smc = hasSmc ? (await closure(tree, release, smcModules)).filter((path) => !base.includes(path)) : [];
  const members = [
    directory('bin'),
    directory('modules'),
    file('bin/busybox', await readFile(busybox), 0o755),
  ];
  for (const path of [...base, ...smc]) {
    const content = path.endsWith('.xz') ? await output('xz', ['-dc', path]) : await readFile(path);
    members.push(file(`modules/${moduleFile(path)}`, content));
  }
  for (const [name, paths] of Object.entries({ base, smc })) {
    members.push(file(`modules/${name}`, Buffer.from(paths.map((path) => `${moduleFile(path)}\n`).join(''))));
  }
  return archive(members);
}

/**
 * The whole initramfs of a guest: the packed boot files, then the scripts beside this file, which
 * change more often than kernels do.
 */
export async function initramfs(bootFiles: string): Promise<Buffer> {
  const script = (name: string) => readFile(new URL(name, import.meta.url));
  const scripts = [
    file('init', await script('init.sh'), 0o755),
    file('agent', await script('agent.sh'), 0o755),
  ];
  // The kernel accepts several archives, one after the other.
  return Buffer.concat([await readFile(bootFiles), archive(scripts)]);
}

/** Paths of the module files and of all their dependencies, in loading order, without built-in modules. */
async function closure(tree: string, release: string, modules: string[]): Promise<string[]> {
  const listing = await text('modprobe', ['-d', tree, '-S', release, '--show-depends', '-a', ...modules]);
  const paths = [...listing.matchAll(/^insmod (\S+)/gm)].map(([, path = '']) => path);
  return [...new Set(paths)];
}

function moduleFile(path: string): string {
  return basename(path, '.xz');
}

interface Member {
  name: string;
  mode: number;
  content: Buffer;
}

function directory(name: string): Member {
  return { name, mode: 0o40755, content: Buffer.alloc(0) };
}

function file(name: string, content: Buffer, permissions = 0o644): Member {
  return { name, mode: 0o100000 | permissions, content };
}

/** A cpio archive in the "newc" format: per member a header of 8-digit hex fields, the name, the content. */
function archive(members: Member[]): Buffer {
  const parts: Buffer[] = [];
  const trailer: Member = { name: 'TRAILER!!!', mode: 0, content: Buffer.alloc(0) };
  [...members, trailer].forEach(({ name, mode, content }, index) => {
    const [uid, gid, links, time, device] = [0, 0, 1, 0, 0];
    const inode = index + 1;
    const fields = [
      inode,
      mode,
      uid,
      gid,
      links,
      time,
      content.length,
      device,
      device,
      device,
      device,
      name.length + 1,
      0,
    ];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    parts.push(padded(Buffer.from(header)), padded(content));
  });
  return Buffer.concat(parts);
}

function padded(part: Buffer): Buffer {
  return Buffer.concat([part, Buffer.alloc(-part.length & 3)]);
}
