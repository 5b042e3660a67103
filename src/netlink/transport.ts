// SPDX-License-Identifier: MIT
/**
 * Where datagrams come from: the kernel, a recording, or a test. Only this file imports the npm package `netlink`.
 */
import { type ByteOrder, hostByteOrder } from './codec.ts';
import { NetlinkError } from './error.ts';

/** Largest datagram we accept. The kernel sends up to 32 KiB if the buffer is that large; 64 KiB gained nothing. */
const RECEIVE_SIZE = 32_768;

/** Receive buffer to ask the kernel for: large enough that no overrun occurs, which would end the addon. */
const SOCKET_BUFFER_SIZE = 1 << 20;

/** What the connection needs from a raw netlink socket; the interface is that of `RawNetlinkSocket`. */
export interface RawSocket {
  on(event: 'message', listener: (data: Buffer, from: { port: number }) => void): unknown;
  on(
    event: 'truncatedMessage',
    listener: (data: Buffer, from: { port: number; truncated?: number }) => void,
  ): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** The callback is not optional here: without it, a failed send becomes an event. */
  send(data: Buffer, options: undefined, callback: (error?: Error) => void): void;
  address(): { port: number };
  close(): void;
}

/** Opens raw sockets. Recordings, replays and the fake kernel of the tests replace it. */
export interface Transport {
  /** byte order of the kernel at the other end */
  readonly order: ByteOrder;
  /**
   * @param protocol NETLINK_GENERIC, NETLINK_SOCK_DIAG or NETLINK_ROUTE
   * @throws NetlinkError with op "load netlink addon" or "open socket"
   */
  open(protocol: number): Promise<RawSocket>;
}

/** The running kernel. */
export const kernelTransport: Transport = {
  order: hostByteOrder,
  async open(protocol) {
    let addon: typeof import('netlink/dist/raw.js');
    try {
      // Loading takes milliseconds, so it is delayed until a command talks to the kernel. The package's index would
      // load three unrelated families as well.
      addon = await import('netlink/dist/raw.js');
    } catch (cause) {
      throw new NetlinkError({ op: 'load netlink addon', code: 'ERR_NO_ADDON', cause });
    }
    try {
      return new addon.RawNetlinkSocket(protocol, {
        localPort: 0, // the kernel picks a free port ID; one made from the process ID can collide between PID namespaces
        messagePeeking: false, // one recvmsg per datagram instead of two, and datagrams of 32 KiB instead of 3.7
        msgBufferSize: RECEIVE_SIZE,
        recvBufferSize: SOCKET_BUFFER_SIZE,
        sendBufferSize: SOCKET_BUFFER_SIZE,
      });
    } catch (cause) {
      const { code, errno } = cause as NodeJS.ErrnoException;
      throw new NetlinkError({ op: 'open socket', code: code ?? 'ERR_UNKNOWN', errno, cause });
    }
  },
};
