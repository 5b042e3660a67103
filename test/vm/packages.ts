import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { cacheDirectory, withLock } from './cache.ts';
import { output, text } from './program.ts';
import { step } from './progress.ts';

/** The Debian suites that have kernels with SMC. */
export type Suite = 'bookworm' | 'bookworm-backports';

/** Names a Debian mirror where the machine's own apt sources have none: `deb822` URIs, for example on Ubuntu. */
const mirrorVariable = 'SMC_TOOLS_DEBIAN_MIRROR';

/** Programs that the bed runs on the host, or that its guests find on the host's file system. */
const hostPackages = [
  'qemu-system-x86',
  'busybox-static',
  'kmod',
  'xz-utils',
  'util-linux',
  'iproute2',
  'iperf3',
  'curl',
  'python3',
  'gcc',
  'make',
  'libc6-dev',
  // objtool, which kbuild runs on every object file, is linked with it.
  'libelf1',
  // The tests of the man pages, and of the C part.
  'mandoc',
  'patch',
  'musl-tools',
  // Booted in a guest for the tests of services.
  'systemd',
  'gcc-s390x-linux-gnu',
  'g++-s390x-linux-gnu',
  'libc6-dev-s390x-cross',
  'gcc-aarch64-linux-gnu',
  'libc6-dev-arm64-cross',
  'qemu-user',
  // The tests of the completions, and of the Debian package.
  'bash-completion',
  'zsh',
  'fish',
  'lintian',
  // 32-bit programs; gcc-multilib would not go together with the cross compiler
  'libc6-dev-i386',
  'lib32gcc-12-dev',
  'valgrind',
  // Programs that no preload library reaches.
  'golang-go',
  'default-jre-headless',
];

let ensured: Promise<void> | undefined;

/**
 * Installs the Debian packages that the bed needs on this machine, if any are missing: directly as root,
 * else by sudo without a password. Costs one dpkg-query when all are there.
 *
 * @throws Error that has the command to run by hand, when the packages cannot be installed from here
 */
export function ensureHostPackages(): Promise<void> {
  ensured ??= installMissingPackages();
  return ensured;
}

async function installMissingPackages(): Promise<void> {
  if (process.arch !== 'x64') {
    throw new Error(
      `guests boot an amd64 kernel on this machine's own files, so it must be x64, not ${process.arch}`,
    );
  }
  if ((await missingPackages()).length === 0) return;
  await withLock('host-packages', async () => {
    const missing = await missingPackages();
    if (missing.length === 0) return;
    const install = () => asRoot('apt-get', '-q', '-y', 'install', '--no-install-recommends', ...missing);
    try {
      await step(`installing ${missing.join(' ')} on this machine`, async () => {
        // The package lists may be missing or too old: then, and only then, fetch them.
        await install().catch(async () => {
          await asRoot('apt-get', '-q', 'update');
          await install();
        });
      });
    } catch (error) {
      throw new Error(
        `guests need packages that could not be installed from here; run: sudo apt-get update && sudo apt-get install ${missing.join(' ')}`,
        { cause: error },
      );
    }
  });
}

async function asRoot(...command: string[]): Promise<void> {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const [file = '', ...args] = [
    ...sudo,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    ...command,
    '-o',
    'DPkg::Lock::Timeout=600',
  ];
  await output(file, args);
}

async function missingPackages(): Promise<string[]> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the format is dpkg-query's
  const format = '${Package} ${Provides} ${db:Status-Status}\\n';
  // No names: dpkg-query would exit with 1 for each name it has never heard of.
  const listing = await text('dpkg-query', ['-W', '-f', format]).catch((error: unknown) => {
    throw new Error('the guest bed needs a Debian or Ubuntu machine: dpkg-query does not work here', {
      cause: error,
    });
  });
  const installed = new Set<string>();
  for (const line of listing.split('\n')) {
    if (!line.endsWith(' installed')) continue;
    for (const name of line.split(/[ ,]+/)) installed.add(name);
  }
  return hostPackages.filter((name) => !installed.has(name));
}

/** What an apt index says of one package. */
export interface PackageEntry {
  version: string;
  /** Names of the packages that it depends on. */
  depends: string[];
}

/**
 * The packages of one Debian suite, whatever this machine itself is set up to install. Nothing is
 * installed: packages are only fetched and unpacked, and apt's state is private, in the cache directory.
 */
export class PackageSource {
  readonly suite: Suite;
  readonly #state: string;

  constructor(suite: Suite) {
    this.suite = suite;
    this.#state = join(cacheDirectory(), 'apt', suite);
  }

  /**
   * Fetches the suite's package lists, as `apt-get update` does. To be called before the other methods
   * when the lists may be missing or old.
   *
   * @throws Error when this machine has no Debian source to derive one for the suite from, or none works
   */
  async update(): Promise<void> {
    await mkdir(join(this.#state, 'lists', 'partial'), { recursive: true });
    await mkdir(join(this.#state, 'archives', 'partial'), { recursive: true });
    await writeFile(join(this.#state, 'status'), '');
    const candidates = await debianSources(this.suite);
    let failure: unknown;
    for (const candidate of candidates) {
      await writeFile(this.#sourceFile, candidate);
      try {
        await this.#apt('apt-get', 'update', '--error-on=any');
        return;
      } catch (error) {
        failure ??= error;
      }
    }
    throw new Error(
      candidates.length === 0
        ? `no source of Debian's main packages in /etc/apt to fetch ${this.suite} from: set ${mirrorVariable} to a mirror's URL (and install debian-archive-keyring)`
        : `cannot fetch the package lists of ${this.suite}`,
      { cause: failure },
    );
  }

  /**
   * Looks a package up in the lists of the last {@link update}.
   *
   * @throws Error when the suite has no such package
   */
  async look(name: string): Promise<PackageEntry> {
    const record = await this.#apt('apt-cache', 'show', '--no-all-versions', name);
    const field = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(record)?.[1] ?? '';
    const depends = field('Depends')
      .split(', ')
      .map((dependency) => dependency.replace(/ .*/, ''));
    return { version: field('Version'), depends };
  }

  /**
   * Fetches packages by name, or by NAME=VERSION, and unpacks all of them into one directory, without
   * running their scripts.
   *
   * @throws Error when a package cannot be fetched; the suite may have moved on since the last {@link update}
   */
  async unpack(names: string[], directory: string): Promise<void> {
    const archives = await mkdtemp(join(tmpdir(), 'smc-tools-packages-'));
    try {
      await this.#apt('apt-get', 'download', ...names, { cwd: archives });
      for (const archive of await readdir(archives)) {
        await output('dpkg-deb', ['-x', join(archives, archive), directory]);
      }
    } finally {
      await rm(archives, { recursive: true, force: true });
    }
  }

  // apt takes the format of a sources file from its suffix.
  get #sourceFile(): string {
    return join(this.#state, 'suite.sources');
  }

  async #apt(program: 'apt-get' | 'apt-cache', ...args: (string | { cwd: string })[]): Promise<string> {
    const settings = {
      'Dir::Etc::sourcelist': this.#sourceFile,
      'Dir::Etc::sourceparts': '/nonexistent',
      'Dir::Etc::preferences': '/nonexistent',
      'Dir::Etc::preferencesparts': '/nonexistent',
      'Dir::State': this.#state,
      'Dir::State::lists': join(this.#state, 'lists'),
      'Dir::State::status': join(this.#state, 'status'),
      'Dir::Cache': this.#state,
      'APT::Architecture': 'amd64',
      'APT::Architectures': 'amd64',
      'Acquire::Retries': '3',
      'Acquire::Languages': 'none',
      // apt's own user cannot enter the private directories.
      'APT::Sandbox::User': 'root',
    };
    const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
    const words = args.filter((word) => typeof word === 'string');
    const place = args.find((word) => typeof word !== 'string');
    return text(program, ['-q', ...words, ...options], { ...place, env: { ...process.env, LC_ALL: 'C' } });
  }
}

/**
 * Sources in deb822 format for a suite, likeliest first, derived from the sources of Debian's main
 * packages that this machine has: same mirror, same key, other suite.
 */
async function debianSources(suite: Suite): Promise<string[]> {
  const mirror = process.env[mirrorVariable];
  if (mirror)
    return [stanza({ URIs: mirror, 'Signed-By': '/usr/share/keyrings/debian-archive-keyring.gpg' }, suite)];

  const found: { source: string; fromDebian: boolean }[] = [];
  for (const file of await sourceFiles()) {
    const content = await readFile(file, 'utf8').catch(() => '');
    const sources = file.endsWith('.sources') ? parseStanzas(content) : parseLines(content);
    for (const fields of sources) {
      const suites = (fields.Suites ?? '').split(/\s+/);
      const isMain = (fields.Components ?? '').split(/\s+/).includes('main');
      if (!isMain || !suites.some(isDebianSuite) || fields.Enabled === 'no') continue;
      // Other publishers have suites of these names too.
      const fromDebian =
        /debian-archive/.test(fields['Signed-By'] ?? '') ||
        /^(debian\.sources|sources\.list)$/.test(basename(file));
      found.push({ source: stanza(fields, suite), fromDebian });
    }
  }
  found.sort((a, b) => Number(b.fromDebian) - Number(a.fromDebian));
  return [...new Set(found.map(({ source }) => source))];
}

async function sourceFiles(): Promise<string[]> {
  const parts = '/etc/apt/sources.list.d';
  const names = await readdir(parts).catch(() => []);
  return [
    '/etc/apt/sources.list',
    ...names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(parts, name)),
  ];
}

/** Without the suites of security fixes, which a mirror keeps elsewhere. */
function isDebianSuite(name: string): boolean {
  return /^(bullseye|bookworm|trixie|forky|duke|(old)*stable|testing|sid|unstable)(-updates|-backports)?$/.test(
    name,
  );
}

type SourceFields = Record<string, string>;

function parseStanzas(content: string): SourceFields[] {
  const withoutComments = content.replace(/^#.*\n/gm, '');
  return withoutComments.split(/\n\s*\n/).map((paragraph) => {
    const fields: SourceFields = {};
    // A line that begins with a blank goes on with the field before it.
    for (const [, key = '', value = ''] of paragraph.matchAll(/^([\w-]+):((?:.*)(?:\n[ \t].*)*)/gm))
      fields[key] = value.trim();
    return fields;
  });
}

function parseLines(content: string): SourceFields[] {
  const sources: SourceFields[] = [];
  for (const line of content.split('\n')) {
    const match = /^\s*deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!match) continue;
    const [, options = '', URIs = '', Suites = '', Components = ''] = match;
    const key = /signed-by=(\S+)/.exec(options)?.[1];
    sources.push({ URIs, Suites, Components, ...(key && { 'Signed-By': key.replaceAll(',', ' ') }) });
  }
  return sources;
}

function stanza(fields: SourceFields, suite: Suite): string {
  const key = fields['Signed-By'] ? `Signed-By: ${fields['Signed-By']}\n` : '';
  return `Types: deb\nURIs: ${fields.URIs}\nSuites: ${suite}\nComponents: main\n${key}`;
}
