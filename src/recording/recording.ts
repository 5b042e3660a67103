// SPDX-License-Identifier: MIT
/**
 * Recordings of netlink traffic, and transports that make and replay them. A recording is a text file with one JSON
 * object per line: a header, then the exchanges. It keeps the kernel's byte order, so a recording made on s390x can be
 * read on x86.
 *
 *     {"format":"smc-tools-recording","version":1,"order":"LE","kernel":"6.12.95+deb12-amd64"}
 *     {"protocol":16,"request":"24000000…","replies":["…","…"]}
 *
 * `request` is one message, `replies` are datagrams in hexadecimal.
 */
import { type ByteOrder, MalformedError } from '../netlink/codec.ts';
import { NetlinkError } from '../netlink/error.ts';
import { HEADER_SIZE, messages } from '../netlink/message.ts';
import { align4 } from '../netlink/schema.ts';
import type { RawSocket, Transport } from '../netlink/transport.ts';
import { NETLINK_SOCK_DIAG, NLMSG_DONE, NLMSG_ERROR } from '../netlink/uapi/netlink.ts';
import { AF_SMC } from '../netlink/uapi/smc-diag.ts';

export const RECORDING_FORMAT = 'smc-tools-recording';
const VERSION = 1;
/** All that the suite can ask is some hundred questions; each is looked for among all exchanges. */
const MOST_EXCHANGES = 10_000;

interface ExchangeRecord {
  protocol: number;
  request: string;
  replies: string[];
}

/** Contents of a recording. */
export interface Recording {
  order: ByteOrder;
  kernel: string;
  exchanges: ExchangeRecord[];
}

/** The text form of a recording. */
export function formatRecording({ order, kernel, exchanges }: Recording): string {
  const header = { format: RECORDING_FORMAT, version: VERSION, order, kernel };
  return [header, ...exchanges].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/**
 * @throws MalformedError when the text is not a recording, or of an unknown version
 */
export function parseRecording(text: string): Recording {
  try {
    const [header, ...exchanges] = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const { format, version, order, kernel } = header;
    const isOurs = format === RECORDING_FORMAT && version === VERSION && (order === 'LE' || order === 'BE');
    if (isOurs && exchanges.length <= MOST_EXCHANGES && exchanges.every(isExchange))
      return { order, kernel: String(kernel), exchanges };
  } catch {
    // not JSON: the error below says so
  }
  throw new MalformedError(`not a recording of netlink traffic (${RECORDING_FORMAT}, version ${VERSION})`);
}

function isExchange({ protocol, request, replies }: Partial<ExchangeRecord>): boolean {
  const isHex = (text: unknown): boolean => typeof text === 'string' && /^(?:[0-9a-f]{2})*$/.test(text);
  return Number.isInteger(protocol) && isHex(request) && Array.isArray(replies) && replies.every(isHex);
}

/**
 * Passes all messages through and keeps a copy. An exchange is complete when the next one begins or when the sockets
 * are closed.
 */
export function recordingTransport(
  inner: Transport,
  kernel: string,
): { transport: Transport; recording: Recording } {
  const recording: Recording = { order: inner.order, kernel, exchanges: [] };
  const transport: Transport = {
    order: inner.order,
    async open(protocol) {
      const socket = await inner.open(protocol);
      let current: ExchangeRecord | undefined;
      socket.on('message', (data) => current?.replies.push(data.toString('hex')));
      const send = socket.send.bind(socket);
      socket.send = (data, options, callback) => {
        current = { protocol, request: data.toString('hex'), replies: [] };
        recording.exchanges.push(current);
        send(data, options, callback);
      };
      return socket;
    },
  };
  return { transport, recording };
}

const REPLAY_PORT = 1;

type Find = (protocol: number, request: string) => ExchangeRecord | undefined;

/**
 * Answers requests from a recording. Requests are compared without sequence number and port ID. If the same request
 * is repeated, it gets the next recorded answer, and the last one after that. A request that was not recorded fails with
 * ERR_NOT_RECORDED.
 */
export function replayTransport(recording: Recording): Transport {
  const used = new Set<ExchangeRecord>();
  return answering(recording.order, (protocol, request) => {
    const matches = recording.exchanges.filter(
      (exchange) => exchange.protocol === protocol && anonymous(exchange.request) === anonymous(request),
    );
    const match = matches.find((exchange) => !used.has(exchange)) ?? matches.at(-1);
    if (match) used.add(match);
    return match;
  });
}

/**
 * Answers requests from a recording of one moment: the same request always gets the same answer, in any order. A
 * list of SMC sockets can also be answered from a recorded list with more details. A request that was not recorded fails
 * with ERR_NOT_RECORDED.
 */
export function snapshotTransport(recording: Recording): Transport {
  return answering(recording.order, (protocol, request) => findAnswer(recording, protocol, request));
}

/** The recorded exchange that answers a request, see `snapshotTransport`. */
function findAnswer(
  { exchanges, order }: Recording,
  protocol: number,
  request: string,
): ExchangeRecord | undefined {
  const sameProtocol = exchanges.filter((exchange) => exchange.protocol === protocol);
  const wanted = anonymous(request);
  const exact = sameProtocol.find(
    (exchange) => anonymous(exchange.request) === wanted && isComplete(exchange, order),
  );
  const details = socketDetails(protocol, wanted);
  if (exact || !details) return exact;
  return sameProtocol.find((exchange) => {
    const theirs = socketDetails(protocol, anonymous(exchange.request));
    const isMore = theirs?.rest === details.rest && (theirs.mask & details.mask) === details.mask;
    return isMore && isComplete(exchange, order);
  });
}

/** Offsets in hexadecimal digits: of struct smc_diag_req in an anonymous request, and of the mask of details in it. */
const SMC_DIAG_REQUEST = 16;
const MASK_AT = SMC_DIAG_REQUEST + 6;

/** Which details a request for SMC sockets asks for; `undefined` for other requests. */
function socketDetails(protocol: number, request: string): { mask: number; rest: string } | undefined {
  const family = Number.parseInt(request.slice(SMC_DIAG_REQUEST, SMC_DIAG_REQUEST + 2), 16);
  if (protocol !== NETLINK_SOCK_DIAG || family !== AF_SMC) return undefined;
  return {
    mask: Number.parseInt(request.slice(MASK_AT, MASK_AT + 2), 16),
    rest: request.slice(0, MASK_AT) + request.slice(MASK_AT + 2),
  };
}

/**
 * Passes each request through once. If it is repeated, it is answered from the recording, as `snapshotTransport` will do
 * later. So everything that uses this transport sees the state of the same moment.
 */
export function snapshotRecorder(
  inner: Transport,
  kernel: string,
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
      const recorded: RawSocket = {
        on(event: string, listener: unknown) {
          if (event === 'message') deliver = listener as typeof deliver;
          else socket.on(event as 'error', listener as (error: Error) => void);
        },
        send(data, options, callback) {
          const known = findAnswer(recording, protocol, data.toString('hex'));
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
      socket.on('message', (data, from) => {
        if (from.port === 0) current?.replies.push(data.toString('hex'));
        deliver(data, from);
      });
      return recorded;
    },
  };
  return { transport, recording };
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
function deliverAll({ replies }: ExchangeRecord, request: Buffer, receiver: Receiver): void {
  const sequence = Buffer.from(request.subarray(8, 12));
  const rest = [...replies];
  const next = (): void => {
    const reply = rest.shift();
    if (reply === undefined || !receiver.isOpen()) return;
    receiver.deliver(readdressed(Buffer.from(reply, 'hex'), sequence, receiver));
    setImmediate(next);
  };
  setImmediate(next);
}

function answering(order: ByteOrder, find: Find): Transport {
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
          const match = find(protocol, data.toString('hex'));
          if (!match) {
            callback(new NetlinkError({ op: 'send', code: 'ERR_NOT_RECORDED' }));
            return;
          }
          callback();
          const port = REPLAY_PORT;
          deliverAll(match, data, {
            port,
            order,
            isOpen: () => isOpen,
            deliver: (reply) => deliver(reply, { port: 0 }),
          });
        },
        address: () => ({ port: REPLAY_PORT }),
        close() {
          isOpen = false;
        },
      };
      return socket;
    },
  };
}

/** A request in hexadecimal, without sequence number and port ID. */
function anonymous(request: string): string {
  return request.slice(0, 16) + request.slice(32);
}

/** Sets sequence number and port ID in every message of a datagram. */
function readdressed(
  data: Buffer,
  sequence: Buffer,
  { port, order }: Pick<Receiver, 'port' | 'order'>,
): Buffer {
  for (let at = 0; data.length - at >= HEADER_SIZE; ) {
    sequence.copy(data, at + 8);
    if (order === 'LE') data.writeUInt32LE(port, at + 12);
    else data.writeUInt32BE(port, at + 12);
    const size = order === 'LE' ? data.readUInt32LE(at) : data.readUInt32BE(at);
    if (size < HEADER_SIZE || size > data.length - at) break;
    at += align4(size);
  }
  return data;
}
