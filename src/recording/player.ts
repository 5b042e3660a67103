// SPDX-License-Identifier: MIT
/** Answers requests from a recording. */
import { type ByteOrder, MalformedError, u32 } from '../netlink/codec.ts';
import { NetlinkError } from '../netlink/error.ts';
import { messages } from '../netlink/message.ts';
import { align4 } from '../netlink/schema.ts';
import type { RawSocket, Transport } from '../netlink/transport.ts';
import { messageHeader, NETLINK_SOCK_DIAG, NLMSG_DONE, NLMSG_ERROR } from '../netlink/uapi/netlink.ts';
import { AF_SMC, smcDiagRequest } from '../netlink/uapi/smc-diag.ts';
import type { ExchangeRecord, Recording } from './recording.ts';

const PORT = 1;

/**
 * A transport that answers from a recording. The same request always gets the same answer, in any order. Requests are
 * compared without sequence number and port ID. A list of SMC sockets can also be answered from a recorded list with more
 * details. A request that was not recorded fails with ERR_NOT_RECORDED.
 */
export function player(recording: Recording): Transport {
  const { order } = recording;
  return {
    order,
    async open(protocol) {
      let deliver: (data: Buffer, from: { port: number }) => void = () => {};
      let isOpen = true;
      const socket: RawSocket = {
        on(event: string, listener: unknown) {
          if (event === 'message') deliver = listener as typeof deliver;
        },
        send(data, _options, callback) {
          const answer = findAnswer(recording, protocol, data);
          if (!answer) {
            callback(new NetlinkError({ op: 'send', code: 'ERR_NOT_RECORDED' }));
            return;
          }
          callback();
          deliverAll(answer, data, {
            port: PORT,
            order,
            isOpen: () => isOpen,
            deliver: (reply) => deliver(reply, { port: 0 }),
          });
        },
        address: () => ({ port: PORT }),
        close() {
          isOpen = false;
        },
      };
      return socket;
    },
  };
}

/** The recorded exchange that answers a request, see `player`. */
export function findAnswer(
  { exchanges, order }: Recording,
  protocol: number,
  request: Buffer,
): ExchangeRecord | undefined {
  const candidates = exchanges
    .filter((exchange) => exchange.protocol === protocol)
    .map((exchange) => ({ exchange, question: questionOf(Buffer.from(exchange.request, 'hex')) }));
  const answering = (isWanted: (question: Buffer) => boolean): ExchangeRecord | undefined =>
    candidates.find(({ exchange, question }) => isWanted(question) && isComplete(exchange, order))?.exchange;
  const wanted = questionOf(request);
  const exact = answering((question) => question.equals(wanted));
  const details = protocol === NETLINK_SOCK_DIAG ? socketDetails(wanted) : undefined;
  if (exact || !details) return exact;
  return answering((question) => {
    const theirs = socketDetails(question);
    return theirs?.rest.equals(details.rest) === true && (theirs.mask & details.mask) === details.mask;
  });
}

const { sequence: SEQUENCE, portId: PORT_ID } = messageHeader.offsets;

/** A copy of a request, without sequence number and port ID. */
function questionOf(request: Buffer): Buffer {
  const question = Buffer.from(request);
  question.fill(0, SEQUENCE, messageHeader.size);
  return question;
}

/** Which details a request for SMC sockets asks for; `undefined` for other requests. */
function socketDetails(question: Buffer): { mask: number; rest: Buffer } | undefined {
  const family = question[messageHeader.size + smcDiagRequest.offsets.family];
  const at = messageHeader.size + smcDiagRequest.offsets.extensions;
  const mask = question[at];
  if (family !== AF_SMC || mask === undefined) return undefined;
  const rest = Buffer.from(question);
  rest[at] = 0;
  return { mask, rest };
}

/** Whether the last datagram ends the exchange. If the reader stopped early, the recorded list is incomplete. */
function isComplete({ replies }: ExchangeRecord, order: ByteOrder): boolean {
  const last = replies.at(-1);
  if (last === undefined) return false;
  try {
    return Array.from(messages(Buffer.from(last, 'hex'), order)).some(
      ({ type }) => type === NLMSG_DONE || type === NLMSG_ERROR,
    );
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return true; // who asks for it is told that it is damaged
  }
}

interface Receiver {
  port: number;
  order: ByteOrder;
  isOpen: () => boolean;
  deliver: (reply: Buffer) => void;
}

/** Delivers recorded replies to a request, one datagram per turn of the event loop, as a socket would. */
export function deliverAll({ replies }: ExchangeRecord, request: Buffer, receiver: Receiver): void {
  const sequence = Buffer.from(request.subarray(SEQUENCE, PORT_ID));
  const rest = [...replies];
  const next = (): void => {
    const reply = rest.shift();
    if (reply === undefined || !receiver.isOpen()) return;
    receiver.deliver(readdressed(Buffer.from(reply, 'hex'), sequence, receiver));
    setImmediate(next);
  };
  setImmediate(next);
}

/** Sets sequence number and port ID in every message of a datagram. */
function readdressed(
  data: Buffer,
  sequence: Buffer,
  { port, order }: Pick<Receiver, 'port' | 'order'>,
): Buffer {
  for (let at = 0; data.length - at >= messageHeader.size; ) {
    const header = messageHeader.decode(data, at, messageHeader.size, order);
    sequence.copy(data, at + SEQUENCE);
    u32.encode(port, order).copy(data, at + PORT_ID);
    if (header.size < messageHeader.size || header.size > data.length - at) break;
    at += align4(header.size);
  }
  return data;
}
