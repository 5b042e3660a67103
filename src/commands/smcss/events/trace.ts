// SPDX-License-Identifier: MIT
/** The kernel's trace for --events, or why there is none, and the network namespaces in it. */
import type { Context } from '../../../cli/run.ts';
import { type NetworkNamespace, networkNamespaces } from '../../../host/network-namespaces.ts';
import { namespacesByCookie } from '../../../smc/all-namespaces.ts';
import { findAddon } from '../../../smc/native-parts.ts';
import type { SeenSocket } from '../../../smc/seen-socket.ts';
import { NoTracepointError, openSmcTrace, type SmcTrace, type TracedEvent } from '../../../smc/smc-trace.ts';

export class EventTrace {
  readonly #hostRoot: string;
  readonly #isEverywhere: boolean;
  #trace: SmcTrace | undefined;
  /** why there is none */
  readonly why: string | undefined;
  /** number of our network namespace */
  readonly #own: bigint | undefined;
  /** with -A: the namespaces by number, and the numbers by inode */
  #namespaces: ReadonlyMap<bigint, NetworkNamespace> = new Map();
  #cookies: ReadonlyMap<number, bigint> = new Map();

  /**
   * Opens the trace where the kernel has one and lets us.
   * @param onEvent is told what happens: the trace is of the whole machine, so only what is in our network namespace, unless
   * `isEverywhere`
   */
  constructor({ hostRoot }: Context, isEverywhere: boolean, onEvent: (event: TracedEvent) => void) {
    this.#hostRoot = hostRoot;
    this.#isEverywhere = isEverywhere;
    let trace: SmcTrace | undefined;
    try {
      trace = openSmcTrace(hostRoot, (event) => {
        if (isEverywhere || event.kind === 'lost' || event.netnsCookie === this.#own) onEvent(event);
      });
      this.#own = findAddon().networkNamespaceCookie();
      this.#trace = trace;
    } catch (error) {
      trace?.remove();
      this.why = whyNot(error as NodeJS.ErrnoException);
    }
  }

  /** Waits until all that has happened has been told, and finds the namespaces. Not while a list is being read. */
  async catchUp(): Promise<void> {
    if (!this.#trace) return;
    await this.#trace.catchUp();
    if (!this.#isEverywhere) return;
    this.#namespaces = namespacesByCookie(networkNamespaces(this.#hostRoot).namespaces, findAddon());
    this.#cookies = new Map([...this.#namespaces].map(([cookie, { inode }]) => [inode, cookie]));
  }

  /** Number of the namespace that a socket is in. */
  cookieOf({ netns }: SeenSocket): bigint | undefined {
    return this.#isEverywhere ? this.#cookies.get(netns?.inode ?? 0) : this.#own;
  }

  /** With -A: the namespace of a number. */
  namespaceOf(cookie: bigint): NetworkNamespace | undefined {
    return this.#namespaces.get(cookie);
  }

  async close(): Promise<void> {
    await this.#trace?.close();
    this.#trace = undefined;
  }

  /** Removes it at once: the process is about to end. */
  remove(): void {
    this.#trace?.remove();
  }
}

function whyNot(error: NodeJS.ErrnoException): string {
  if (error instanceof NoTracepointError || error.code === 'ENOPROTOOPT')
    return 'this kernel has no tracepoint for them, which came with Linux 5.16';
  const { code = error.message } = error;
  if (code === 'EPERM' || code === 'EACCES')
    return process.geteuid?.() === 0
      ? `this system does not let root trace the kernel (${code})`
      : 'only root may trace the kernel';
  return `the kernel cannot be traced (${code})`;
}
