import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Architecture, platforms } from './architecture.ts';
import { cacheDirectory, withLock } from './cache.ts';
import { cached, type Kept, refresh, versionDirectory, week } from './kept.ts';
import { fetching, PackageSource } from './package-source.ts';
import { output, text } from './program.ts';
import { step } from './progress.ts';

/** The files of a guest. */
export interface RootTree {
  /** The directory that is its `/`. */
  root: string;
  /** A static busybox for its machine. */
  busybox: string;
}

/** What a guest has that does not run on the host's files: Debian packages, with all that they depend on. */
const PACKAGES = [
  ...['busybox-static', 'dash', 'bash', 'coreutils', 'util-linux', 'bsdutils', 'hostname', 'libc-bin'],
  ...['grep', 'sed', 'mawk', 'findutils', 'diffutils', 'procps', 'tar', 'gzip', 'kmod', 'iproute2'],
  ...['python3'],
  // Node links with it
  ...['libstdc++6'],
];

/** Node comes from npm: the newest of this version that the package has. */
const NODE = '20';

const digest = (words: readonly string[]) =>
  createHash('sha256').update(words.join()).digest('hex').slice(0, 16);

// A change of these lists has the tree made again, and so has a change of the rest of this file with another number.
const layout = digest(['1', NODE, ...PACKAGES]);

/**
 * The files that guests of a machine run on: the host's, or a tree of Debian packages and Node for it. The tree is made
 * in the cache when it is first needed, which says so on stderr, and again when something newer is there.
 *
 * @throws Error when it is not in the cache and cannot be made
 */
export async function rootTree(architecture: Architecture): Promise<RootTree> {
  if (architecture === 'x64') return { root: '/', busybox: '/bin/busybox' };
  const kept = keptTree(architecture);
  const version = (await cached(kept, week)) ?? (await withLock('root-trees', () => refresh(kept, week)));
  const root = versionDirectory(kept, version);
  return { root, busybox: join(root, 'bin/busybox') };
}

function keptTree(architecture: Architecture): Kept {
  const source = new PackageSource('bookworm', platforms[architecture].debian);
  const nodePackage = `node-linux-${architecture}`;
  // known when build is called
  let packages: string[] = [];
  let node = '';
  return {
    what: `the files of a guest for ${architecture}`,
    directory: join(cacheDirectory(), 'roots', architecture),
    layout,
    newest: async () => {
      await step(`fetching Debian's package lists of ${source.name}`, (tell) => source.update(tell));
      packages = await source.withDependencies([...PACKAGES]);
      node = await newestNode(nodePackage);
      return createHash('sha256')
        .update([...packages, node].join())
        .digest('hex')
        .slice(0, 16);
    },
    build: async (_, directory) => {
      await fetching(source, `${packages.length} packages for ${architecture}`, packages, directory);
      await step(`fetching Node ${node} for ${architecture} (40 MB)`, () =>
        addNode(nodePackage, node, directory),
      );
      await finish(directory);
    },
  };
}

async function newestNode(name: string): Promise<string> {
  const listing = await text('npm', ['view', '--json', `${name}@${NODE}`, 'version']);
  const versions = [JSON.parse(listing)].flat() as string[];
  const newest = versions.at(-1);
  if (!newest) throw new Error(`npm has no ${name}@${NODE}`);
  return newest;
}

async function addNode(name: string, version: string, root: string): Promise<void> {
  const scratch = await mkdtemp(join(root, 'node-'));
  try {
    // its scripts are for machines that it runs on
    await output('npm', ['pack', '--silent', '--ignore-scripts', `${name}@${version}`], { cwd: scratch });
    await mkdir(join(root, 'usr/local/bin'), { recursive: true });
    const archive = join(scratch, `${name}-${version}.tgz`);
    await output('tar', [
      '-xzf',
      archive,
      '-C',
      join(root, 'usr/local'),
      '--strip-components=1',
      'package/bin/node',
    ]);
    await chmod(join(root, 'usr/local/bin/node'), 0o755);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What the scripts of the packages would have done, as far as a guest needs it. */
async function finish(root: string): Promise<void> {
  for (const name of ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'etc', 'lib/modules', 'usr/local/share'])
    await mkdir(join(root, name), { recursive: true });
  await rm(join(root, 'bin/sh'), { force: true });
  await symlink('dash', join(root, 'bin/sh'));
  await symlink('mawk', join(root, 'usr/bin/awk'));
  const files = {
    'etc/passwd':
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
    'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
    'etc/hosts': '127.0.0.1 localhost\n::1 ip6-localhost\n',
    'etc/nsswitch.conf': 'hosts: files\n',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(root, name), content);
  await chmod(root, 0o755);
}
