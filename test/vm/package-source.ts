import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { oneLine, Problem } from '../../scripts/entry.mjs';
import { type AptOptions, amount, apt, downloadSize, unpackPackages } from './apt.ts';
import { cacheDirectory, withLock } from './cache.ts';
import { debianSources, mirrorVariable, type Suite, systemName } from './debian-sources.ts';
import { step } from './progress.ts';

/** What an apt index says of one package. */
export interface PackageEntry {
  version: string;
  /** Names of the packages that it depends on. */
  depends: string[];
}

type Tell = (detail: string) => void;

/**
 * The packages of one Debian suite, whatever this machine itself is set up to install. Nothing is
 * installed: packages are only fetched and unpacked, and apt's state is private, in the cache directory.
 */
export class PackageSource {
  readonly suite: Suite;
  /** Suite and machine, for people and files. */
  readonly name: string;
  readonly #architecture: string;
  readonly #state: string;

  /** @param architecture Debian's name of the machine that the packages are for */
  constructor(suite: Suite, architecture = 'amd64') {
    this.suite = suite;
    this.name = architecture === 'amd64' ? suite : `${suite}-${architecture}`;
    this.#architecture = architecture;
    this.#state = join(cacheDirectory(), 'apt', this.name);
  }

  /**
   * Fetches the suite's package lists, as `apt-get update` does. To be called before the other methods
   * when the lists may be missing or old.
   *
   * @throws Problem when this machine knows no mirror of Debian, or none works
   */
  async update(tell?: Tell): Promise<void> {
    await mkdir(join(this.#state, 'lists', 'partial'), { recursive: true });
    await mkdir(join(this.#state, 'archives', 'partial'), { recursive: true });
    await writeFile(join(this.#state, 'status'), '');
    const candidates = await debianSources(this.suite);
    if (candidates.length === 0) throw new Problem(await nameMirror('knows no mirror of Debian'));
    let failure: unknown;
    for (const candidate of candidates) {
      await writeFile(this.#sourceFile, candidate);
      try {
        // apt fails at once where another process fetches these lists
        await withLock(`apt-${this.name}`, () =>
          this.#apt('apt-get', ['update', '--error-on=any'], { ...(tell && { tell }) }),
        );
        return;
      } catch (error) {
        failure ??= error;
      }
    }
    throw new Problem(
      await nameMirror(`cannot fetch the package lists of ${this.suite} (${oneLine(failure)})`),
    );
  }

  /**
   * Looks a package up in the lists of the last {@link update}.
   *
   * @throws Error when the suite has no such package
   */
  async look(name: string): Promise<PackageEntry> {
    const record = await this.#apt('apt-cache', ['show', '--no-all-versions', name]);
    const field = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(record)?.[1] ?? '';
    const depends = field('Depends')
      .split(', ')
      .map((dependency) => dependency.replace(/ .*/, ''));
    return { version: field('Version'), depends };
  }

  /** Packages and all that they depend on, as NAME=VERSION, sorted. */
  async withDependencies(names: string[]): Promise<string[]> {
    const words = ['install', '-y', '--no-install-recommends', '--print-uris', ...names];
    const listing = await this.#apt('apt-get', words);
    // 'URI' NAME_VERSION_ARCHITECTURE.deb SIZE HASH
    const files = [...listing.matchAll(/^'[^']+' ([^_ ]+)_([^_ ]+)_\S+\.deb /gm)];
    return files.map(([, name, version = '']) => `${name}=${decodeURIComponent(version)}`).sort();
  }

  /** Bytes to fetch for {@link unpack}; undefined when apt does not know. */
  size(names: string[]): Promise<number | undefined> {
    return downloadSize(['download', ...names], { settings: this.#settings });
  }

  /**
   * Unpacks packages of the suite, see {@link unpackPackages}. The suite may have moved on since the last {@link update}.
   *
   * @throws Problem when a package cannot be fetched
   */
  unpack(names: string[], directory: string, tell?: Tell): Promise<void> {
    return unpackPackages(names, directory, { settings: this.#settings, ...(tell && { tell }) });
  }

  // apt takes the format of a sources file from its suffix.
  get #sourceFile(): string {
    return join(this.#state, 'suite.sources');
  }

  get #settings(): Record<string, string> {
    return {
      'Dir::Etc::sourcelist': this.#sourceFile,
      'Dir::Etc::sourceparts': '/nonexistent',
      'Dir::Etc::preferences': '/nonexistent',
      'Dir::Etc::preferencesparts': '/nonexistent',
      'Dir::State': this.#state,
      'Dir::State::lists': join(this.#state, 'lists'),
      'Dir::State::status': join(this.#state, 'status'),
      'Dir::Cache': this.#state,
      'APT::Architecture': this.#architecture,
      'APT::Architectures': this.#architecture,
      'Acquire::Retries': '3',
      'Acquire::Languages': 'none',
      // apt's own user cannot enter the private directories.
      'APT::Sandbox::User': 'root',
    };
  }

  #apt(program: 'apt-get' | 'apt-cache', words: string[], options: AptOptions = {}): Promise<string> {
    return apt(program, words, { ...options, settings: this.#settings });
  }
}

/** Fetches and unpacks packages, and says before how much that is. */
export async function fetching(
  source: PackageSource,
  what: string,
  names: string[],
  directory: string,
): Promise<void> {
  const size = await source.size(names);
  const said = size === undefined ? '' : ` (${amount(size)})`;
  await step(`fetching ${what}${said}`, (tell) => source.unpack(names, directory, tell));
}

/** What to do where Debian cannot be reached the way this machine says, in one line. */
async function nameMirror(why: string): Promise<string> {
  const system = await systemName();
  return `the kernels are Debian's, and ${system} ${why}: run again with ${mirrorVariable}=URL, the URL of a Debian mirror as in a URIs line of apt's sources (https://www.debian.org/mirror/list has some)`;
}
