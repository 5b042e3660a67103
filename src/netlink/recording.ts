// SPDX-License-Identifier: MIT
/**
 * Recordings of netlink traffic, and transports that make and replay them. A recording is a text file, one JSON
 * object a line: a header, then an exchange each. It keeps the kernel's byte order, so one made on s390x can be
 * looked at on x86.
 *
 *     {"format":"smc-tools-recording","version":1,"order":"LE","kernel":"6.12.95+deb12-amd64"}
 *     {"protocol":16,"request":"24000000…","replies":["…","…"]}
 *
 * `request` is one message, `replies` are datagrams in hexadecimal.
 */
import { type ByteOrder, MalformedError } from './codec.ts';
import { NetlinkError } from './error.ts';
import { HEADER_SIZE, messages } from './message.ts';
import { align4 } from './schema.ts';
import type { RawSocket, Transport } from './transport.ts';
import { NETLINK_SOCK_DIAG, NLMSG_DONE, NLMSG_ERROR } from './uapi/netlink.ts';
import { AF_SMC } from './uapi/smc-diag.ts';

export const RECORDING_FORMAT = 'smc-tools-recording';
const VERSION = 1;

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
 * @throws MalformedError when the text is no recording of a version that we know
 */
export function parseRecording(text: string): Recording {
  try {
    const [header, ...exchanges] = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const { format, version, order, kernel } = header;
    const isOurs = format === RECORDING_FORMAT && version === VERSION && (order === 'LE' || order === 'BE');
    if (isOurs && exchanges.every(isExchange)) return { order, kernel: String(kernel), exchanges };
  } catch {
    // said below
  }
  throw new MalformedError(`not a recording of netlink traffic (${RECORDING_FORMAT}, version ${VERSION})`);
}

function isExchange({ protocol, request, replies }: Partial<ExchangeRecord>): boolean {
  const isHex = (text: unknown): boolean => typeof text === 'string' && /^(?:[0-9a-f]{2})*$/.test(text);
  return typeof protocol === 'number' && isHex(request) && Array.isArray(replies) && replies.every(isHex);
}

/**
 * Passes everything through and keeps a copy. An exchange is complete when the next one begins or the sockets are
 * closed.
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
 * Answers requests from a recording. Requests are matched by everything but sequence number and port id; the same
 * request made again gets the next recorded answer, the last one for ever. A request that was not recorded fails with
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
 * Answers requests from a recording of one moment: the same request always gets the same answer, in whatever order. A
 * list of SMC sockets is also found in one that was asked for with more details. A request that was not recorded fails
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

/** Where struct smc_diag_req is in an anonymous request, in hexadecimal digits, and its mask of details in that. */
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
 * Passes requests through, each one once: what was asked before is answered from the recording, as `snapshotTransport`
 * will answer it. So whatever uses the transport sees the same moment.
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

/** Whether the last datagram ends the exchange: a list that its reader gave up is not all there. */
function isComplete({ replies }: ExchangeRecord, order: ByteOrder): boolean {
  const last = replies.at(-1);
  if (last === undefined) return false;
  return Array.from(messages(Buffer.from(last, 'hex'), order)).some(
    ({ type }) => type === NLMSG_DONE || type === NLMSG_ERROR,
  );
}

interface Receiver {
  port: number;
  order: ByteOrder;
  isOpen: () => boolean;
  deliver: (reply: Buffer) => void;
}

/** Delivers recorded replies to a request, one datagram a turn, as a socket would. */
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

/** Hexadecimal request without sequence number and port id. */
function anonymous(request: string): string {
  return request.slice(0, 16) + request.slice(32);
}

/** Puts a sequence number and port id into every message of a datagram. */
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
