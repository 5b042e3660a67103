// SPDX-License-Identifier: MIT
/**
 * Where datagrams come from: the kernel, a recording, or a test. This is the only file that knows the npm
 * package `netlink`.
 */
import { type ByteOrder, hostByteOrder } from './codec.ts';
import { NetlinkError } from './error.ts';

/** Largest datagram we accept. The kernel fills up to 32 KiB when asked to; 64 KiB was measured to gain nothing. */
export const RECEIVE_SIZE = 32_768;

/** Asked of the kernel so that an overrun, which the addon cannot survive, stays out of reach. */
const SOCKET_BUFFER_SIZE = 1 << 20;

/** What the connection needs of a raw netlink socket; the shape is that of `RawNetlinkSocket`. */
export interface RawSocket {
  on(event: 'message', listener: (data: Buffer, from: { port: number }) => void): unknown;
  on(
    event: 'truncatedMessage',
    listener: (data: Buffer, from: { port: number; truncated?: number }) => void,
  ): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** The callback is not optional here: without one a failed send becomes an event. */
  send(data: Buffer, options: undefined, callback: (error?: Error) => void): void;
  address(): { port: number };
  close(): void;
}

/** Opens raw sockets; the seam for recordings, replays and the fake kernel of the tests. */
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
      // Loading takes milliseconds, so it waits until a command really talks to the kernel. The package's index
      // would load three unrelated families on top.
      addon = await import('netlink/dist/raw.js');
    } catch (cause) {
      throw new NetlinkError({ op: 'load netlink addon', code: 'ERR_NO_ADDON', cause });
    }
    try {
      return new addon.RawNetlinkSocket(protocol, {
        localPort: 0, // the kernel picks a free port id; one made of the pid can collide between pid namespaces
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
