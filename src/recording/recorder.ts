// SPDX-License-Identifier: MIT
/** Records the netlink traffic that goes through a transport. */
import type { RawSocket, Transport } from '../netlink/transport.ts';
import { deliverAll, findAnswer } from './player.ts';
import type { ExchangeRecord, Recording } from './recording.ts';

export interface RecorderOptions {
  /** release of the kernel, for the header */
  kernel: string;
  /**
   * Asks each question once, and answers it from the recording when it is repeated, as `player` will do later. So
   * everything that uses the transport sees the state of the same moment.
   */
  isSnapshot?: boolean;
}

/**
 * Passes all messages through and keeps a copy. An exchange is complete when the next one begins or when the sockets
 * are closed.
 */
export function recorder(
  inner: Transport,
  { kernel, isSnapshot = false }: RecorderOptions,
): { transport: Transport; recording: Recording } {
  const { order } = inner;
  const recording: Recording = { order, kernel, exchanges: [] };
  const transport: Transport = {
    order,
    async open(protocol) {
      const socket = await inner.open(protocol);
      const { port } = socket.address();
      let deliver: (data: Buffer, from: { port: number }) => void = () => {};
      let current: ExchangeRecord | undefined;
      let isOpen = true;
      socket.on('message', (data, from) => {
        if (from.port === 0) current?.replies.push(data.toString('hex'));
        deliver(data, from);
      });
      const recorded: RawSocket = {
        on(event: string, listener: unknown) {
          if (event === 'message') deliver = listener as typeof deliver;
          else socket.on(event as 'error', listener as (error: Error) => void);
        },
        send(data, options, callback) {
          const known = isSnapshot ? findAnswer(recording, protocol, data) : undefined;
          if (known) {
            callback();
            deliverAll(known, data, {
              port,
              order,
              isOpen: () => isOpen,
              deliver: (reply) => deliver(reply, { port: 0 }),
            });
            return;
          }
          current = { protocol, request: data.toString('hex'), replies: [] };
          recording.exchanges.push(current);
          socket.send(data, options, callback);
        },
        address: () => ({ port }),
        close() {
          isOpen = false;
          socket.close();
        },
      };
      return recorded;
    },
  };
  return { transport, recording };
}
