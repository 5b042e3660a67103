// SPDX-License-Identifier: MIT
/**
 * A tree of files that somebody else has made, as a private copy: of a bounded size, without anything but directories,
 * files and symbolic links, and without a link that leads out of it. What is read from the copy is in the copy.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { privateDirectory } from '../host/private-directory.ts';
import { isClosed, SafeDirectory } from '../host/safe-directory.ts';
import { UntrustedError } from '../host/untrusted-error.ts';
import { named } from './named-failure.ts';

/** Why a tree is not taken: one sentence without a path. */
export class TreeError extends Error {}
TreeError.prototype.name = 'TreeError';

/** Far more than a bundle of a large machine needs; protects against trees that fill the disk or take hours. */
export const LIMITS = {
  entries: 100_000,
  bytes: 256 << 20,
  /** names in a path */
  depth: 40,
  /** bytes of a name, as file systems have it */
  name: 255,
  seconds: 600,
};

/** Time that passes before the user is told what takes so long. */
const SLOW_MS = 2000;
/** Entries between two looks at the clock. */
const CLOCK_EVERY = 64;

/** Holds the limits of count, size and time, and says once that it takes a while. */
export class Bounds {
  readonly #onSlow: (text: string) => void;
  readonly #begin = process.hrtime.bigint();
  #isTold = false;
  entries = 0;
  bytes = 0;

  /** @param onSlow is called at most once, after two seconds */
  constructor(onSlow: (text: string) => void = () => {}) {
    this.#onSlow = onSlow;
  }

  /** @throws TreeError */
  entry(): void {
    if (++this.entries > LIMITS.entries) throw new TreeError(`it has more than ${LIMITS.entries} files`);
    if (this.entries % CLOCK_EVERY === 0) this.clock(`${this.entries} files so far`);
  }

  /** @throws TreeError */
  size(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > LIMITS.bytes) throw new TreeError('it is too large');
  }

  /** @param soFar what has been done @throws TreeError */
  clock(soFar: string): void {
    const ms = Number((process.hrtime.bigint() - this.#begin) / 1_000_000n);
    if (ms > LIMITS.seconds * 1000) throw new TreeError('it takes too long to unpack');
    if (ms < SLOW_MS || this.#isTold) return;
    this.#isTold = true;
    this.#onSlow(soFar);
  }
}

const DAMAGED = 'its names contradict each other';

/**
 * Names of a path that stays inside.
 * @throws TreeError
 */
export function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (path.startsWith('/') || names.includes('..')) throw new TreeError('a name in it leads outside');
  if (names.length > LIMITS.depth) throw new TreeError('a path in it is too deep');
  if (names.some((name) => Buffer.byteLength(name) > LIMITS.name || name.includes('\0')))
    throw new TreeError('a name in it is too long');
  return names;
}

/** The copy while it is made. Links come last, so that nothing is ever written through one. */
export class PrivateTree {
  readonly directory: string;
  readonly remove: () => void;
  readonly #kinds = new Map<string, 'directory' | 'file'>();
  readonly #links = new Map<string, string>();

  constructor() {
    ({ directory: this.directory, remove: this.remove } = privateDirectory());
  }

  /** @throws TreeError */
  addDirectory(names: readonly string[]): void {
    for (let length = 1; length <= names.length; length++) {
      const path = names.slice(0, length).join('/');
      const kind = this.#kinds.get(path);
      if (kind === 'file' || this.#links.has(path)) throw new TreeError(DAMAGED);
      if (kind) continue;
      this.#kinds.set(path, 'directory');
      this.#make(() => mkdirSync(join(this.directory, path), { mode: 0o700 }));
    }
  }

  /** One of the same name is replaced. @throws TreeError */
  addFile(names: readonly string[], content: Buffer): void {
    this.addDirectory(names.slice(0, -1));
    const path = names.join('/');
    if (path === '' || this.#kinds.get(path) === 'directory' || this.#links.has(path))
      throw new TreeError(DAMAGED);
    this.#kinds.set(path, 'file');
    this.#make(() => writeFileSync(join(this.directory, path), content, { mode: 0o600 }));
  }

  /** @throws TreeError */
  addLink(names: readonly string[], target: string): void {
    this.addDirectory(names.slice(0, -1));
    const path = names.join('/');
    if (path === '' || this.#kinds.has(path)) throw new TreeError(DAMAGED);
    this.#links.set(path, target);
  }

  /** Makes the links that stay inside; the others are left out. */
  finish(): void {
    for (const [path, target] of this.#links)
      if (staysInside(path, this.#links)) this.#make(() => symlinkSync(target, join(this.directory, path)));
  }

  /** A failure names the directory for temporary files: the copy will be gone, and that is where there is no space. */
  #make(body: () => void): void {
    try {
      body();
    } catch (error) {
      throw Object.assign(error as NodeJS.ErrnoException, { path: dirname(dirname(this.directory)) });
    }
  }
}

const MAX_LINKS = 40;

/**
 * Whether a path stays inside the tree, through all links on the way. Each name is looked at as the kernel does it: text
 * alone does not tell, since `link/..` is where the link leads to.
 * @param links targets by path
 */
export function staysInside(path: string, links: ReadonlyMap<string, string>): boolean {
  const here: string[] = [];
  const rest = path.split('/');
  let followed = 0;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (here.pop() === undefined) return false;
      continue;
    }
    here.push(name);
    const target = links.get(here.join('/'));
    if (target === undefined) continue;
    if (target === '' || target.startsWith('/') || target.includes('\0') || ++followed > MAX_LINKS)
      return false;
    here.pop();
    rest.unshift(...target.split('/'));
  }
  return true;
}

/**
 * Whether a tree can be read where it is: nobody else can change it meanwhile, nothing in it but directories, files and
 * links, and no link leads out of it. That takes a small part of the time of a copy.
 * @param isWanted called with the path of each entry, from `from`
 * @throws TreeError; Node's own error
 */
export function isSafeInPlace(from: string, isWanted: (path: string) => boolean, bounds: Bounds): boolean {
  const links = new Map<string, string>();
  const isSafe = (fd: number, above: readonly string[]): boolean => {
    if (!isClosed(fstatSync(fd))) return false;
    const place = `/proc/self/fd/${fd}`;
    return readdirSync(place, { withFileTypes: true }).every((entry) => {
      bounds.entry();
      const names = namesOf([...above, entry.name].join('/'));
      if (!isWanted(names.join('/'))) return true;
      const path = join(place, entry.name);
      return named(join(from, ...names), () => {
        if (entry.isSymbolicLink()) links.set(names.join('/'), readlinkSync(path));
        else if (entry.isFile()) bounds.size(lstatSync(path).size);
        else if (entry.isDirectory())
          return within(openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), (inner) => isSafe(inner, names));
        return entry.isSymbolicLink() || entry.isFile();
      });
    });
  };
  try {
    SafeDirectory.open(from, { isPrivate: true }).close();
  } catch (error) {
    if (error instanceof UntrustedError) return false;
    throw error;
  }
  return (
    within(openSync(from, O_RDONLY | O_DIRECTORY), (fd) => isSafe(fd, [])) &&
    [...links.keys()].every((path) => staysInside(path, links))
  );
}

function within<T>(fd: number, body: (fd: number) => T): T {
  try {
    return body(fd);
  } finally {
    closeSync(fd);
  }
}

const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * Copies what is in a directory, by descriptors: whoever owns it may swap names meanwhile, and a link of his may lead to
 * /etc/shadow of the reader.
 * @param isWanted called with the path of each entry, from `from`
 * @throws TreeError; Node's own error
 */
export function copyTree(
  from: string,
  isWanted: (path: string) => boolean,
  bounds: Bounds,
): { directory: string; remove: () => void } {
  const tree = new PrivateTree();
  try {
    within(openSync(from, O_RDONLY | O_DIRECTORY), (fd) => copyInto(tree, fd, from, [], isWanted, bounds));
    tree.finish();
    return tree;
  } catch (error) {
    tree.remove();
    throw error;
  }
}

function copyInto(
  tree: PrivateTree,
  fd: number,
  from: string,
  above: readonly string[],
  isWanted: (path: string) => boolean,
  bounds: Bounds,
): void {
  const place = `/proc/self/fd/${fd}`;
  for (const entry of readdirSync(place, { withFileTypes: true })) {
    bounds.entry();
    const names = namesOf([...above, entry.name].join('/'));
    if (!isWanted(names.join('/'))) continue;
    const path = join(place, entry.name);
    named(join(from, ...names), () => {
      if (entry.isSymbolicLink()) {
        const target = unlessGone(() => readlinkSync(path));
        if (target !== undefined) tree.addLink(names, target);
        return;
      }
      // a FIFO must not make us wait, and a device is only opened to be refused
      if (!entry.isDirectory() && !entry.isFile()) return;
      const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | (entry.isDirectory() ? O_DIRECTORY : 0);
      const inner = unlessGone(() => openSync(path, flags));
      if (inner === undefined) return;
      within(inner, () => {
        const stats = fstatSync(inner);
        if (stats.isDirectory()) {
          tree.addDirectory(names);
          copyInto(tree, inner, from, names, isWanted, bounds);
        } else if (stats.isFile()) {
          bounds.size(stats.size);
          tree.addFile(names, readFileSync(inner));
        }
      });
    });
  }
}

/** @returns `undefined` when the name is something else by now */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ELOOP', 'ENOTDIR', 'EINVAL', 'ENXIO'].includes(code)) return undefined;
    throw error;
  }
}
