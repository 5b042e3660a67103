// SPDX-License-Identifier: MIT
/** Which processes hold a socket: the links in /proc/PID/fd name its inode. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Container, parseControlGroup } from './control-group.ts';

export type { Container };

/** A descriptor of a socket. */
export interface SocketHolder {
  /** `undefined` if the process has ended meanwhile; up to 15 bytes of any characters */
  command: string | undefined;
  pid: number;
  fd: number;
  /** unit of systemd */
  unit: string | undefined;
  container: Container | undefined;
}

type Process = Omit<SocketHolder, 'fd'>;

const isProcess = (name: string): boolean => /^[1-9]\d{0,9}$/.test(name);

/** The holders of all sockets, as they were when /proc was read. */
export class SocketOwners {
  readonly #root: string;
  /** processes whose descriptors may not be read */
  readonly unreadable: number;
  /** processes that were there */
  readonly processes: number;
  /** by inode, the index of the last descriptor in the lists below; 0 is none */
  readonly #last = new Map<number, number>();
  readonly #pids: number[] = [0];
  readonly #fds: number[] = [0];
  /** index of another descriptor of the same socket */
  readonly #others: number[] = [0];
  /** what was read of processes that hold a socket that was asked for */
  readonly #known = new Map<number, Process>();

  /**
   * Reads the descriptors of all processes once.
   * @throws Node's own error when there is no /proc
   */
  constructor(root: string) {
    this.#root = root;
    const processes = readdirSync(`${root}/proc`).filter(isProcess);
    let unreadable = 0;
    for (const pid of processes)
      try {
        this.#read(Number(pid));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // the others have ended meanwhile
        if (code === 'EACCES' || code === 'EPERM') unreadable++;
      }
    this.unreadable = unreadable;
    this.processes = processes.length;
  }

  #read(pid: number): void {
    const directory = `${this.#root}/proc/${pid}/fd`;
    let names: string[];
    try {
      names = readdirSync(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
      this.#readCopy(pid);
      return;
    }
    for (const name of names) {
      const inode = inodeOf(`${directory}/${name}`);
      const fd = Number(name);
      // in a bundle from anybody, it can have any name
      if (inode !== undefined && Number.isInteger(fd)) this.#add(inode, pid, fd);
    }
  }

  /** A bundle has a file in place of the directory, made by `descriptorLine`. */
  #readCopy(pid: number): void {
    const text = readFileSync(`${this.#root}/proc/${pid}/fd`, 'latin1');
    for (const [, fd, inode] of text.matchAll(DESCRIPTOR)) this.#add(Number(inode), pid, Number(fd));
  }

  #add(inode: number, pid: number, fd: number): void {
    this.#others.push(this.#last.get(inode) ?? 0);
    this.#last.set(inode, this.#pids.length);
    this.#pids.push(pid);
    this.#fds.push(fd);
  }

  /** The holders of a socket by process and descriptor; empty when none is known. */
  holdersOf(inode: bigint | number): SocketHolder[] {
    const holders: SocketHolder[] = [];
    for (let at = this.#last.get(Number(inode)) ?? 0; at > 0; at = this.#others[at]!)
      holders.push({ ...this.#process(this.#pids[at]!), fd: this.#fds[at]! });
    return holders.sort((one, other) => one.pid - other.pid || one.fd - other.fd);
  }

  #process(pid: number): Process {
    let process = this.#known.get(pid);
    if (!process) {
      const read = (file: string): string | undefined => {
        try {
          return readFileSync(`${this.#root}/proc/${pid}/${file}`, 'utf8');
        } catch {
          return undefined; // it has ended
        }
      };
      process = {
        command: read('comm')?.replace(/\n$/, ''),
        pid,
        ...parseControlGroup(read('cgroup') ?? ''),
      };
      this.#known.set(pid, process);
    }
    return process;
  }
}

const DESCRIPTOR = /^(\d{1,10}) -> socket:\[(\d{1,15})\]$/gm;

/** A descriptor of a socket in the copy of a host. A link for each would be more files than a bundle may have. */
export const descriptorLine = (fd: number, inode: bigint | number): string => `${fd} -> socket:[${inode}]\n`;

const LINK = 'socket:[';

function inodeOf(link: string): number | undefined {
  try {
    const target = readlinkSync(link);
    return target.startsWith(LINK) ? Number.parseInt(target.slice(LINK.length), 10) : undefined;
  } catch {
    return undefined; // closed meanwhile
  }
}
