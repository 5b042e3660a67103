// SPDX-License-Identifier: MIT
/**
 * Freshly installed systems: a Debian from debootstrap with Node, kept in the cache, and copies of it to try things in.
 * A copy is an overlay, seen only by the commands that run in it: each has mount and PID namespaces of its own, so
 * nothing has to be cleaned up behind it. How this machine reaches the package registries is shown to those commands
 * and not copied.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheBase, Problem, root as projectRoot } from '../../scripts/entry.mjs';
import { buildDirectory, withLock } from '../vm/cache.ts';
import { debianSources } from '../vm/debian-sources.ts';
import { output, quote, text } from '../vm/program.ts';
import { step } from '../vm/progress.ts';

/** The release that is tried; the commit that the project is tried with is HEAD. */
export const SUITE = 'trixie';

const directory = join(cacheBase(), 'fresh');

/** How a command ended. */
export interface Ended {
  status: number | null;
  /** stdout and stderr, as they came. */
  output: string;
}

/** How to run a command in a system. */
export interface RunOptions {
  /** `root` if not given. */
  user?: 'root' | 'user';
  cwd?: string;
  env?: Record<string, string>;
  /** In a network namespace of its own, where nothing can be reached. */
  offline?: boolean;
}

/** What makes a system out of directories: mounts, in the order in which they are made. */
interface Mounts {
  /** Trees of an overlay, else the system is one plain tree. */
  overlay?: { lower: string; upper: string; work: string };
  /** Where the system is. */
  tree: string;
  /** Files and directories of this machine by their places in the system, read-only. */
  shown: Map<string, string>;
  environment: Record<string, string>;
}

// What must not outlive this process.
const running = new Set<ChildProcess>();
const scratches = new Set<string>();

function cleanUp(): void {
  for (const child of running) child.kill('SIGKILL');
  for (const scratch of scratches) rmSync(scratch, { recursive: true, force: true, maxRetries: 10 });
}

process.on('exit', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  const end = () => {
    cleanUp();
    process.off(signal, end);
    process.kill(process.pid, signal);
  };
  process.on(signal, end);
}

/** A directory for one process; those of processes that were killed are removed. */
async function scratchDirectory(): Promise<string> {
  for (const name of await readdir(directory)) {
    const [, pid] = /^scratch-(\d+)-/.exec(name) ?? [];
    if (pid && !existsSync(`/proc/${pid}`)) await rm(join(directory, name), { recursive: true, force: true });
  }
  const scratch = await mkdtemp(join(directory, `scratch-${process.pid}-`));
  scratches.add(scratch);
  return scratch;
}

async function removeScratch(scratch: string): Promise<void> {
  // nothing is mounted there any more: mounts end with the commands that see them
  await rm(scratch, { recursive: true, force: true });
  scratches.delete(scratch);
}

/** Script of sh that mounts all of it; each mount ends with the mount namespace. */
function mountScript({ overlay, tree, shown }: Mounts): string {
  const options = overlay && `lowerdir=${overlay.lower},upperdir=${overlay.upper},workdir=${overlay.work}`;
  const show = [...shown].map(([place, file]) => {
    const target = quote(join(tree, place));
    return `mkdir -p ${quote(dirname(join(tree, place)))}
if [ -d ${quote(file)} ]; then mkdir -p ${target}; else [ -e ${target} ] || : >${target}; fi
mount --bind ${quote(file)} ${target} && mount -o remount,bind,ro ${target}`;
  });
  return `set -e
${options ? `mount -t overlay -o ${quote(options)} overlay ${quote(tree)}` : ''}
mount -t proc proc ${quote(join(tree, 'proc'))}
mount -t sysfs -o ro sysfs ${quote(join(tree, 'sys'))}
mount --rbind /dev ${quote(join(tree, 'dev'))}
mount -t tmpfs -o mode=1777 tmpfs ${quote(join(tree, 'dev/shm'))}
mount -t tmpfs -o mode=755 tmpfs ${quote(join(tree, 'run'))}
${show.join('\n')}
`;
}

/** Runs a command of sh in a system; all that it has started ends with it. */
async function enter(
  mounts: Mounts,
  command: string,
  { user = 'root', cwd = '/', env = {}, offline = false }: RunOptions = {},
  hear: (line: string) => void = () => {},
): Promise<Ended> {
  const environment = {
    HOME: user === 'root' ? '/root' : '/home/user',
    LANG: 'C.UTF-8',
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    TERM: 'dumb',
    USER: user,
    ...mounts.environment,
    ...env,
  };
  const variables = Object.entries(environment).map(([key, value]) => quote(`${key}=${value}`));
  const identity = user === 'root' ? '' : '--userspec=user:user';
  const script = `${mountScript(mounts)}
exec chroot ${identity} ${quote(mounts.tree)} env -i ${variables.join(' ')} sh -c ${quote(`cd ${quote(cwd)} && ${command}`)}`;
  const own = [
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child',
    ...(offline ? ['--net'] : []),
  ];
  const child = spawn('unshare', [...own, 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let heard = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      heard += chunk;
      hear(chunk.trimEnd().split('\n').at(-1) ?? '');
    });
  const [status] = (await once(child, 'close')) as [number | null];
  running.delete(child);
  return { status, output: heard };
}

/** How this machine reaches its registries, for commands in a system. */
async function reach(scratch: string): Promise<Pick<Mounts, 'shown' | 'environment'>> {
  const shown = new Map<string, string>();
  const environment: Record<string, string> = {};
  const show = (file: string | undefined, place = file) => {
    if (file && place && existsSync(file)) shown.set(place, file);
  };
  const [source] = await debianSources(SUITE);
  if (!source) throw new Problem('apt of this machine has no Debian source to make a fresh Debian from');
  const sources = join(scratch, 'debian.sources');
  await writeFile(sources, source);
  show(sources, '/etc/apt/sources.list.d/debian.sources');
  for (const key of source.match(/(?<=^Signed-By: ).*/m)?.[0].split(/\s+/) ?? [])
    if (key.startsWith('/')) show(key);
  // how to connect, and nothing of what apt does on this machine besides
  const acquire: string[] = (await text('apt-config', ['dump'])).match(/^Acquire::.*$/gm) ?? [];
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  if (existsSync(certificates)) {
    const place = '/run/certificates.crt';
    show(certificates, place);
    acquire.push(`Acquire::https::CAInfo "${place}";`);
    for (const variable of ['NODE_EXTRA_CA_CERTS', 'npm_config_cafile']) environment[variable] = place;
  }
  const configuration = join(scratch, 'apt.conf');
  await writeFile(configuration, acquire.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  show(configuration, '/etc/apt/apt.conf.d/99this-machine');
  show('/etc/apt/auth.conf.d');
  show('/etc/resolv.conf');
  show('/etc/hosts');
  const npm = async (name: string) => (await text('npm', ['config', 'get', name])).trim();
  show(await npm('userconfig'), '/run/npmrc.user');
  show(await npm('globalconfig'), '/run/npmrc.global');
  if (shown.has('/run/npmrc.user')) environment['NPM_CONFIG_USERCONFIG'] = '/run/npmrc.user';
  if (shown.has('/run/npmrc.global')) environment['NPM_CONFIG_GLOBALCONFIG'] = '/run/npmrc.global';
  for (const [key, value] of Object.entries(process.env))
    if (value && /^(https?|ftp|all|no)_proxy$/i.test(key)) environment[key] = value;
  return { shown, environment };
}

/** The kept tree: debootstrap's smallest system, with Node and npm of the same release. */
async function baseTree(): Promise<string> {
  const tree = join(directory, SUITE);
  if (existsSync(tree)) return tree;
  return withLock('fresh', async () => {
    if (existsSync(tree)) return tree;
    const [source = ''] = await debianSources(SUITE);
    const field = (key: string) => new RegExp(`^${key}: (\\S+)`, 'm').exec(source)?.[1];
    const mirror = field('URIs');
    const keyring = field('Signed-By');
    if (!mirror) throw new Problem('apt of this machine has no Debian source to make a fresh Debian from');
    await buildDirectory(tree, async (temporary) => {
      await step(`debootstrap of ${SUITE} (40 MB to fetch)`, () =>
        output('unshare', [
          ...['--mount', '--propagation', 'private', 'debootstrap', '--variant=minbase'],
          ...(keyring?.startsWith('/') ? [`--keyring=${keyring}`] : []),
          ...[SUITE, temporary, mirror],
        ]),
      );
      await rm(join(temporary, 'etc/apt/sources.list'), { force: true });
      const scratch = await scratchDirectory();
      try {
        await step('Node and npm of this release (40 MB to fetch)', async (tell) => {
          const mounts = { tree: temporary, ...(await reach(scratch)) };
          const command =
            'apt-get -q update && apt-get -q -y install --no-install-recommends nodejs npm ca-certificates && apt-get clean && useradd --create-home user';
          const { status, output: said } = await enter(mounts, command, {}, tell);
          if (status !== 0) throw new Error(`apt in the fresh system failed (${status}):\n${said}`);
        });
      } finally {
        await removeScratch(scratch);
      }
    });
    return tree;
  });
}

/** A copy of the fresh system, with a clone of the project in /home/user/smc-tools, which belongs to that user. */
export class FreshSystem {
  readonly #scratch: string;
  readonly #mounts: Mounts;

  private constructor(scratch: string, mounts: Mounts) {
    this.#scratch = scratch;
    this.#mounts = mounts;
  }

  /** Makes the copy; the kept tree first, when there is none. */
  static async make(): Promise<FreshSystem> {
    if (process.getuid?.() !== 0)
      throw new Problem('fresh systems are made with chroot and mount, so this must be root');
    await mkdir(directory, { recursive: true });
    const lower = await baseTree();
    const scratch = await scratchDirectory();
    const [upper, work, tree] = ['upper', 'work', 'tree'].map((name) => join(scratch, name)) as [
      string,
      string,
      string,
    ];
    for (const each of [upper, work, tree]) await mkdir(each);
    const system = new FreshSystem(scratch, {
      overlay: { lower, upper, work },
      tree,
      ...(await reach(scratch)),
    });
    const clone = join(upper, 'home/user/smc-tools');
    await output('git', ['clone', '--quiet', '--no-hardlinks', projectRoot, clone]);
    const made = await system.run('chown -R user:user /home/user');
    if (made.status !== 0) throw new Error(`a fresh system cannot be set up:\n${made.output}`);
    return system;
  }

  /** Runs a command of sh in it. */
  run(command: string, options: RunOptions = {}, hear?: (line: string) => void): Promise<Ended> {
    return enter(this.#mounts, command, options, hear);
  }

  /** Writes a file in it. */
  async writeFile(path: string, content: string): Promise<void> {
    const file = join(this.#mounts.overlay?.upper ?? this.#mounts.tree, path);
    await mkdir(dirname(file), { recursive: true });
    // what was removed in the system is a device file here
    await rm(file, { force: true });
    await writeFile(file, content);
  }

  /** Takes away what it was shown of this machine. */
  hide(place: string): void {
    this.#mounts.shown.delete(place);
  }

  /** Shows it a file or directory of this machine, read-only. */
  show(file: string, place: string): void {
    this.#mounts.shown.set(place, file);
  }

  /** A directory of this machine that goes away with the system. */
  get scratch(): string {
    return this.#scratch;
  }

  async remove(): Promise<void> {
    await removeScratch(this.#scratch);
  }
}
