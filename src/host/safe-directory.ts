// SPDX-License-Identifier: MIT
/**
 * Files in directories where somebody else may write.
 *
 * Who owns a directory can swap the names in it at any moment: between two steps that go by path, a directory becomes a
 * symbolic link to /etc. So a path is walked once, name by name, without following links that others could have made;
 * what is done then is done relative to the descriptor of the directory, and owners and modes come from descriptors.
 * Node has no openat(2): /proc/self/fd/N/NAME is the same, since the kernel goes from there to the directory that is
 * open, whatever it is called by now.
 */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  statfsSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { UntrustedError } from './untrusted-error.ts';

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } =
  constants;
/** include/uapi/asm-generic/fcntl.h; a directory that may be entered but not listed can be opened so */
const O_PATH = 0o10000000;

/** More than any path of a real system has; against links that lead in circles. */
const MAX_LINKS = 40;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;
const PERMISSIONS = 0o777;
const PROC_SUPER_MAGIC = 0x9fa0;

/**
 * Who can change names in a directory: `closed` only we and root; `sticky` everybody, but only his own (/tmp); `open`
 * somebody else, any.
 */
type Reach = 'closed' | 'sticky' | 'open';

/** Part of a name that nobody can guess. Loading node:crypto takes milliseconds, and most runs make no file. */
export function randomWord(): string {
  const { randomBytes } = createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
  return randomBytes(8).toString('hex');
}

/** Users who may do to us what they like: ourselves, root, and whoever is root's stand-in in this user namespace. */
const trusted = (): (number | undefined)[] => [process.geteuid?.(), 0, lstatSync('/').uid];

/** Whether nobody but root and ourselves can change names in a directory. */
export const isClosed = (stats: Stats): boolean => reachOf(stats) === 'closed';

function reachOf({ uid, mode }: Stats): Reach {
  if (!trusted().includes(uid)) return 'open';
  // people share directories with a group by their own choice; root never joined
  const isShared = mode & OTHERS_WRITE || (mode & GROUP_WRITES && process.geteuid?.() === 0);
  return isShared ? (mode & STICKY ? 'sticky' : 'open') : 'closed';
}

export interface OpenOptions {
  /** what `/` is, for paths and for links on the way; default "/" */
  root?: string;
  /** makes directories that are missing, with this mode */
  make?: number;
  /** refuses a path on which somebody else could put another directory in its place */
  isPrivate?: boolean;
}

/** A regular file as it was read. */
export interface ReadFile {
  content: Buffer;
  /** of the descriptor it was read from */
  stats: Stats;
}

/** An open directory. Closed by `close`; all failures name the path that the caller knows. */
export class SafeDirectory {
  readonly path: string;
  readonly stats: Stats;
  readonly #fd: number;
  readonly #reach: Reach;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.stats = fstatSync(fd);
    this.#reach = reachOf(this.stats);
  }

  /**
   * @param path of a directory; a relative one is taken from the working directory, whatever `root` is
   * @throws UntrustedError; Node's own error
   */
  static open(path: string, options: OpenOptions = {}): SafeDirectory {
    const walk = new Walk(path, options);
    try {
      walk.go(path.split('/'));
      return walk.take();
    } finally {
      walk.close();
    }
  }

  /** Starts at a path that nobody doubts. @internal */
  static start(path: string): SafeDirectory {
    return new SafeDirectory(path, openSync(path, O_PATH | O_DIRECTORY));
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** @throws UntrustedError when others than root and ourselves could swap names here */
  requirePrivate(): void {
    if (!trusted().includes(this.stats.uid))
      throw new UntrustedError(this.path, 'it belongs to another user');
    if (this.stats.mode & OTHERS_WRITE && !(this.stats.mode & STICKY))
      throw new UntrustedError(this.path, 'everybody can write to it');
  }

  /**
   * Opens a directory in this one.
   * @param make mode, if it is to be made when it is missing
   * @returns the directory, or where the link of that name leads to
   */
  enter(name: string, make?: number): SafeDirectory | { link: string } {
    const path = join(this.path, name);
    const open = (): SafeDirectory =>
      this.#at(name, (entry) => new SafeDirectory(path, openSync(entry, O_PATH | O_DIRECTORY | O_NOFOLLOW)));
    try {
      return open();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && make !== undefined) {
        this.#at(name, (entry) => tolerate('EEXIST', () => mkdirSync(entry, { mode: 0o700 })));
        const made = open();
        // whatever the umask; but not where its owner may have put another one in its place meanwhile
        if (this.#reach !== 'open' && made.stats.uid === process.geteuid?.())
          chmodSync(`/proc/self/fd/${made.#fd}`, make);
        return made;
      }
      const link = code === 'ENOTDIR' || code === 'ELOOP' ? this.link(name) : undefined;
      if (link === undefined) throw error;
      return { link };
    }
  }

  /**
   * Where a symbolic link leads to; `undefined` when the name is something else.
   * @throws UntrustedError when somebody else may have made the link, or may swap it
   */
  link(name: string): string | undefined {
    return this.#at(name, (entry) => {
      const stats = lstatSync(entry, { throwIfNoEntry: false });
      if (!stats?.isSymbolicLink()) return undefined;
      const path = join(this.path, name);
      if (!trusted().includes(stats.uid)) throw new UntrustedError(path, 'it belongs to another user');
      // in a sticky directory only its owner can take a link away, but everybody can give one a second name
      if (this.#reach === 'open' || (this.#reach === 'sticky' && stats.nlink !== 1))
        throw new UntrustedError(path, 'it is a link that somebody else can change');
      return readlinkSync(entry);
    });
  }

  /** The kernel's own tree, where links lead to what no path names. */
  get isProc(): boolean {
    return statfsSync(`/proc/self/fd/${this.#fd}`).type === PROC_SUPER_MAGIC;
  }

  /**
   * Reads a regular file.
   * @param limit bytes that it may have
   * @returns `undefined` when there is none
   * @throws UntrustedError; Node's own error
   */
  read(name: string, limit: number): ReadFile | undefined {
    return this.#at(name, (entry) => {
      let fd: number;
      try {
        // O_NONBLOCK: a FIFO must not make us wait
        fd = openSync(entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT') return undefined;
        if (code === 'ELOOP') throw new UntrustedError(join(this.path, name), 'it is a symbolic link');
        throw error;
      }
      try {
        const stats = fstatSync(fd);
        if (!stats.isFile()) throw new UntrustedError(join(this.path, name), 'it is not a regular file');
        this.#check(name, stats);
        if (stats.size > limit) throw new UntrustedError(join(this.path, name), 'it is too large');
        return { content: readFileSync(fd), stats };
      } finally {
        closeSync(fd);
      }
    });
  }

  /**
   * Puts a file in the place of whatever has the name: written under another name, then renamed, so that nobody sees a
   * part of it. It gets the mode and the owner that are given, whatever the umask.
   * @throws Node's own error
   */
  replace(
    name: string,
    content: Buffer | string,
    { mode, owner }: { mode: number; owner?: { uid: number; gid: number } },
  ): void {
    const temporary = `.${name}.${randomWord()}`;
    this.#at(
      temporary,
      (entry) => {
        const fd = openSync(entry, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        try {
          try {
            writeFileSync(fd, content);
            if (owner) fchownSync(fd, owner.uid, owner.gid);
            fchmodSync(fd, mode & PERMISSIONS);
            fsyncSync(fd);
          } finally {
            closeSync(fd);
          }
          renameSync(entry, this.#entry(name));
        } catch (error) {
          try {
            unlinkSync(entry);
          } catch {
            // the first failure counts
          }
          throw error;
        }
      },
      name,
    );
  }

  /** Removes a file, or a link itself. @throws Node's own error */
  remove(name: string): void {
    this.#at(name, (entry) => unlinkSync(entry));
  }

  /** Removes a directory unless there is something in it. @throws Node's own error */
  removeIfEmpty(name: string): void {
    this.#at(name, (entry) => {
      try {
        rmdirSync(entry);
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(code)) throw error;
      }
    });
  }

  /** @returns a descriptor for writing; see `openForWriting` */
  openFile(name: string, isAppended: boolean, mode: number): number | { link: string } {
    return this.#at(name, (entry) => {
      if (this.isProc) return openSync(entry, O_WRONLY | (isAppended ? O_APPEND : 0));
      const link = this.link(name);
      if (link !== undefined) return { link };
      const flags = O_WRONLY | O_NOFOLLOW | O_NOCTTY | (isAppended ? O_APPEND : 0);
      let fd: number;
      try {
        fd = openSync(entry, flags | (this.#reach === 'closed' ? 0 : O_NONBLOCK));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        return openSync(entry, flags | O_CREAT | O_EXCL, mode);
      }
      try {
        const stats = fstatSync(fd);
        if (this.#reach !== 'closed' && !stats.isFile())
          throw new UntrustedError(join(this.path, name), 'it is not a regular file');
        this.#check(name, stats);
        if (!isAppended && stats.isFile()) ftruncateSync(fd, 0);
        return fd;
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    });
  }

  /**
   * Whether a file that is there is what its name says: another name of it may be /etc/shadow, and root is led to the file
   * of one user by another.
   */
  #check(name: string, { nlink, uid }: Stats): void {
    if (this.#reach === 'closed') return;
    if (nlink !== 1) throw new UntrustedError(join(this.path, name), 'it has more than one hard link');
    const owners = [...trusted(), ...(this.#reach === 'open' ? [this.stats.uid] : [])];
    if (process.geteuid?.() === 0 && !owners.includes(uid))
      throw new UntrustedError(join(this.path, name), 'it belongs to another user');
  }

  #entry(name: string): string {
    if (['', '.', '..'].includes(name) || name.includes('/') || name.includes('\0'))
      throw new UntrustedError(join(this.path, name), 'it is not a file name');
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  /** Runs a step and gives its failure the path that the caller knows. @param known the name that he knows */
  #at<T>(name: string, step: (entry: string) => T, known = name): T {
    try {
      return step(this.#entry(name));
    } catch (error) {
      if (!(error instanceof UntrustedError) && (error as NodeJS.ErrnoException).syscall) {
        const isLost = !existsSync('/proc/self/fd');
        Object.assign(error as NodeJS.ErrnoException, {
          path: isLost ? '/proc/self/fd' : join(this.path, known),
        });
      }
      throw error;
    }
  }
}

/** Follows a path name by name, and holds every directory on it until it is over. */
class Walk {
  readonly #root: string;
  readonly #options: OpenOptions;
  /** from where the path begins */
  #trail: SafeDirectory[];
  #links = 0;

  constructor(path: string, options: OpenOptions) {
    this.#root = options.root ?? '/';
    this.#options = options;
    this.#trail = [SafeDirectory.start(path.startsWith('/') ? this.#root : '.')];
  }

  get #here(): SafeDirectory {
    return this.#trail.at(-1)!;
  }

  go(names: readonly string[]): void {
    const rest = [...names];
    this.#check();
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        this.#up();
        continue;
      }
      const next = this.#here.enter(name, this.#options.make);
      if (next instanceof SafeDirectory) this.#trail.push(next);
      else rest.unshift(...this.#follow(next.link, name));
      this.#check();
    }
  }

  /** @returns the names that a link stands for, from where the walk is then */
  #follow(link: string, name: string): string[] {
    if (++this.#links > MAX_LINKS)
      throw Object.assign(new Error('too many links'), {
        code: 'ELOOP',
        syscall: 'open',
        path: join(this.#here.path, name),
      });
    if (link.startsWith('/')) this.#startAgain();
    return link.split('/');
  }

  #startAgain(): void {
    this.close();
    this.#trail = [SafeDirectory.start(this.#root)];
  }

  #up(): void {
    if (this.#trail.length > 1) this.#trail.pop()!.close();
    else {
      // above the working directory; the root is its own parent
      const { path } = this.#here;
      if (path !== this.#root) this.#trail.unshift(SafeDirectory.start(join(path, '..')));
      if (this.#trail.length > 1) this.#trail.pop()!.close();
    }
  }

  #check(): void {
    if (this.#options.isPrivate) this.#here.requirePrivate();
  }

  /** A file at the end of a path. */
  file(path: string, isAppended: boolean, mode: number): number {
    for (let rest = path; ; ) {
      const names = rest.split('/');
      const name = names.pop() ?? '';
      this.go(names);
      if (name === '' || name === '.' || name === '..')
        throw Object.assign(new Error('a directory'), { code: 'EISDIR', syscall: 'open', path });
      const opened = this.#here.openFile(name, isAppended, mode);
      if (typeof opened === 'number') return opened;
      rest = this.#follow(opened.link, name).join('/');
    }
  }

  /** The directory at the end; it is the caller's now. */
  take(): SafeDirectory {
    return this.#trail.pop()!;
  }

  close(): void {
    for (const directory of this.#trail.splice(0)) directory.close();
  }
}

/**
 * Opens a file for writing that somebody named: a log, a recording. It is made when it is missing. Devices and pipes are
 * taken where nobody else could have put them.
 * @param isAppended what is in it stays
 * @throws UntrustedError; Node's own error
 */
export function openForWriting(path: string, isAppended: boolean, mode = 0o666): number {
  const walk = new Walk(path, {});
  try {
    return walk.file(path, isAppended, mode);
  } finally {
    walk.close();
  }
}

/** Writes a file that somebody named, in place of what was in it; see `openForWriting`. */
export function writeNamedFile(path: string, content: string): void {
  const fd = openForWriting(path, false);
  try {
    writeFileSync(fd, content);
  } catch (error) {
    throw Object.assign(error as Error, { path });
  } finally {
    closeSync(fd);
  }
}

/** Runs something with a directory and closes that. */
export function inDirectory<T>(path: string, options: OpenOptions, body: (directory: SafeDirectory) => T): T {
  const directory = SafeDirectory.open(path, options);
  try {
    return body(directory);
  } finally {
    directory.close();
  }
}

function tolerate(code: string, body: () => void): void {
  try {
    body();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
  }
}
