// SPDX-License-Identifier: MIT
/** Finds sockets of this process in the kernel's list of SMC sockets. */
import type { Socket } from 'node:net';
import { warnBeforeListing } from '../../cli/listing-warning.ts';
import type { Context } from '../../cli/run.ts';
import { socketInode } from '../../host/socket-inode.ts';
import type { SmcClient } from '../../smc/client.ts';
import { type ConnectionVerdict, connectionVerdict, type LinkGroups } from '../../smc/connection-verdict.ts';
import { connectionMode, type SmcSocket } from '../../smc/sockets.ts';

/**
 * The list leaves sockets out while others are closed, so one that is not found is looked for again, some three seconds
 * in all. One that is listed while its handshake has not settled is bound to: half a minute, for machines with much to do.
 */
const TRIES = { absent: 8, unsettled: 60 };
const PAUSE_MS = { first: 100, longest: 500 };

/** What is asked of each socket. */
const DETAILS = { link: true, dmb: true };

/** To be called once, before the first socket is looked up. */
export function warnBeforeLookup(context: Context): void {
  warnBeforeListing(context, { ...DETAILS, goesOn: true });
}

interface Wanted {
  tries: { absent: number; unsettled: number };
  resolve: (socket: SmcSocket | undefined) => void;
  reject: (error: unknown) => void;
}

/** One dump serves all that are looked for at the time. */
export class SocketLookup {
  readonly #client: SmcClient;
  readonly #wanted = new Map<bigint, Wanted>();
  #isRunning = false;
  #pauseMs = PAUSE_MS.first;

  constructor(client: SmcClient) {
    this.#client = client;
  }

  /**
   * What became of a connected socket.
   * @returns `undefined` when the kernel does not list it: it is not an SMC socket
   * @throws SmcError NO_SMC; NetlinkError
   */
  async verdict(socket: Socket): Promise<ConnectionVerdict | undefined> {
    const { fd } = (socket as unknown as { _handle: { fd: number } | null })._handle ?? { fd: -1 };
    const inode = socketInode(fd);
    const found = inode === undefined ? undefined : await this.#find(inode);
    return found && connectionVerdict(found, await this.#groups(found));
  }

  #find(inode: bigint): Promise<SmcSocket | undefined> {
    return new Promise((resolve, reject) => {
      this.#wanted.set(inode, { tries: { absent: 0, unsettled: 0 }, resolve, reject });
      this.#pauseMs = PAUSE_MS.first;
      if (!this.#isRunning) this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#wanted.size > 0)
      try {
        await this.#dump();
        if (this.#wanted.size === 0) break;
        await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
        this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS.longest);
      } catch (error) {
        for (const { reject } of this.#wanted.values()) reject(error);
        this.#wanted.clear();
      }
    this.#isRunning = false;
  }

  async #dump(): Promise<void> {
    // those that come while the list is read may be missing in it for that reason
    const present = [...this.#wanted];
    const unsettled = new Set<bigint>();
    for await (const socket of this.#client.sockets(DETAILS)) {
      const wanted = this.#wanted.get(socket.inode);
      if (!wanted) continue;
      if (connectionMode(socket) === undefined) {
        unsettled.add(socket.inode);
        continue;
      }
      this.#wanted.delete(socket.inode);
      wanted.resolve(socket);
    }
    for (const [inode, wanted] of present) {
      const kind = unsettled.has(inode) ? 'unsettled' : 'absent';
      if (this.#wanted.get(inode) === wanted && ++wanted.tries[kind] >= TRIES[kind]) {
        this.#wanted.delete(inode);
        wanted.resolve(undefined);
      }
    }
  }

  async #groups(socket: SmcSocket): Promise<LinkGroups> {
    const mode = connectionMode(socket);
    return {
      smcr: mode === 'SMCR' ? await this.#client.smcrLinkGroups() : [],
      smcd: mode === 'SMCD' ? (await this.#client.smcdLinkGroups()).groups : [],
    };
  }
}
