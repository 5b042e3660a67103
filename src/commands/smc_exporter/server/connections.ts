// SPDX-License-Identifier: MIT
/**
 * The connections of clients, bounded in number and time. A client that sends nothing, or only slowly, loses its connection;
 * when there are too many, the one that has waited longest for its request is closed, so nobody can shut the others out.
 */
import type { Socket } from 'node:net';

/** Limits, see smc_exporter(8). */
export interface ConnectionLimits {
  /** connections at the same time */
  connections: number;
  /** milliseconds for TLS and the headers of a request */
  requestMs: number;
  /** milliseconds that a connection is kept open for another request */
  idleMs: number;
  /** milliseconds without progress while an answer is sent */
  answerMs: number;
  /** milliseconds for answers that are under way when the server ends */
  endMs: number;
}

export const LIMITS: ConnectionLimits = {
  connections: 512,
  requestMs: 10_000,
  idleMs: 90_000,
  answerMs: 30_000,
  endMs: 10_000,
};

export class Connections {
  readonly #limits: ConnectionLimits;
  /** those that wait for a request, the longest first, and what ends that */
  readonly #waiting = new Map<Socket, NodeJS.Timeout>();
  /** those that are answered, with the number of answers: a client may send several requests at once */
  readonly #answering = new Map<Socket, number>();
  #isEnding = false;
  #onEmpty: (() => void) | undefined;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Takes a new connection. @returns false if there are too many; it is closed then */
  add(socket: Socket): boolean {
    socket.on('error', () => socket.destroy());
    const isFull = this.#waiting.size + this.#answering.size >= this.#limits.connections;
    const [longest] = this.#waiting.keys();
    if (this.#isEnding || (isFull && !longest)) {
      socket.destroy();
      return false;
    }
    if (isFull) this.#drop(longest!);
    this.#wait(socket, this.#limits.requestMs);
    socket.on('close', () => this.#forget(socket));
    return true;
  }

  /** A request is here. Its answer may take its time, as long as the client reads. */
  begin(socket: Socket): void {
    const answers = this.#answering.get(socket) ?? 0;
    if (answers === 0) {
      clearTimeout(this.#waiting.get(socket));
      this.#waiting.delete(socket);
      socket.setTimeout(this.#limits.answerMs, () => socket.destroy());
    }
    if (!socket.destroyed) this.#answering.set(socket, answers + 1);
  }

  /** For an answer that does not end, and of which nothing may be sent for long. */
  keepOpen(socket: Socket): void {
    socket.setTimeout(0);
  }

  /** An answer has been sent, or the client has left. */
  finish(socket: Socket): void {
    const answers = this.#answering.get(socket);
    if (answers === undefined) return;
    if (answers > 1) {
      this.#answering.set(socket, answers - 1);
      return;
    }
    this.#answering.delete(socket);
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    if (!socket.destroyed && !this.#isEnding) this.#wait(socket, this.#limits.idleMs);
    this.#check();
  }

  /** Closes what waits for a request, and resolves when all answers have been sent, or took too long. */
  end(): Promise<void> {
    this.#isEnding = true;
    for (const socket of [...this.#waiting.keys()]) this.#drop(socket);
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        for (const socket of [...this.#answering.keys()]) this.#drop(socket);
      }, this.#limits.endMs);
      this.#onEmpty = () => {
        clearTimeout(late);
        resolve();
      };
      this.#check();
    });
  }

  #wait(socket: Socket, ms: number): void {
    const timer = setTimeout(() => {
      // if this process was slow itself, the request may be here already, and is read first
      setImmediate(() => {
        if (this.#waiting.get(socket) === timer) socket.destroy();
      });
    }, ms);
    this.#waiting.set(socket, timer);
  }

  #drop(socket: Socket): void {
    socket.destroy();
    this.#forget(socket);
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#waiting.get(socket));
    this.#waiting.delete(socket);
    this.#answering.delete(socket);
    this.#check();
  }

  #check(): void {
    if (this.#isEnding && this.#answering.size === 0) this.#onEmpty?.();
  }
}
