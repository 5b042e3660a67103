// SPDX-License-Identifier: MIT
/** Finds sockets of this process in the kernel's list of SMC sockets. */
import type { Socket } from 'node:net';
import { socketInode } from '../../host/socket-inode.ts';
import type { SmcClient } from '../../smc/client.ts';
import { type ConnectionVerdict, connectionVerdict, type LinkGroups } from '../../smc/connection-verdict.ts';
import { connectionMode, type SmcSocket } from '../../smc/sockets.ts';

/**
 * The list leaves sockets out while others are closed, and a handshake may not have settled. So a socket that is not
 * found is looked for again.
 */
const TRIES = 5;
const PAUSE_MS = 100;

interface Wanted {
  tries: number;
  resolve: (socket: SmcSocket | undefined) => void;
  reject: (error: unknown) => void;
}

/** One dump serves all that are looked for at the time. */
export class SocketLookup {
  readonly #client: SmcClient;
  readonly #wanted = new Map<bigint, Wanted>();
  #isRunning = false;

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
      this.#wanted.set(inode, { tries: 0, resolve, reject });
      if (!this.#isRunning) this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#wanted.size > 0)
      try {
        await this.#dump();
        if (this.#wanted.size > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      } catch (error) {
        for (const { reject } of this.#wanted.values()) reject(error);
        this.#wanted.clear();
      }
    this.#isRunning = false;
  }

  async #dump(): Promise<void> {
    // those that come while the list is read may be missing in it for that reason
    const present = [...this.#wanted];
    for await (const socket of this.#client.sockets({ link: true, dmb: true })) {
      const wanted = this.#wanted.get(socket.inode);
      if (!wanted || connectionMode(socket) === undefined) continue;
      this.#wanted.delete(socket.inode);
      wanted.resolve(socket);
    }
    for (const [inode, wanted] of present)
      if (this.#wanted.get(inode) === wanted && ++wanted.tries >= TRIES) {
        this.#wanted.delete(inode);
        wanted.resolve(undefined);
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
