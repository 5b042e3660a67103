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
import { HEADER_SIZE } from './message.ts';
import { align4 } from './schema.ts';
import type { RawSocket, Transport } from './transport.ts';

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

/**
 * Answers requests from a recording. Requests are matched by everything but sequence number and port id; the same
 * request made again gets the next recorded answer, the last one for ever. A request that was not recorded fails with
 * ENODATA.
 */
export function replayTransport(recording: Recording): Transport {
  const { order } = recording;
  const used = new Set<ExchangeRecord>();
  const find = (protocol: number, request: string): ExchangeRecord | undefined => {
    const matches = recording.exchanges.filter(
      (exchange) => exchange.protocol === protocol && anonymous(exchange.request) === anonymous(request),
    );
    const match = matches.find((exchange) => !used.has(exchange)) ?? matches.at(-1);
    if (match) used.add(match);
    return match;
  };
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
            callback(new NetlinkError({ op: 'send', code: 'ENODATA', detail: 'not in the recording' }));
            return;
          }
          callback();
          const sequence = data.subarray(8, 12);
          const replies = match.replies.map((reply) =>
            readdressed(Buffer.from(reply, 'hex'), sequence, order),
          );
          // one datagram a turn, as from a socket
          const next = (): void => {
            const reply = replies.shift();
            if (!reply || !isOpen) return;
            deliver(reply, { port: 0 });
            setImmediate(next);
          };
          setImmediate(next);
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

/** Puts our sequence number and port id into every message of a datagram. */
function readdressed(data: Buffer, sequence: Buffer, order: ByteOrder): Buffer {
  for (let at = 0; data.length - at >= HEADER_SIZE; ) {
    sequence.copy(data, at + 8);
    if (order === 'LE') data.writeUInt32LE(REPLAY_PORT, at + 12);
    else data.writeUInt32BE(REPLAY_PORT, at + 12);
    const size = order === 'LE' ? data.readUInt32LE(at) : data.readUInt32BE(at);
    if (size < HEADER_SIZE || size > data.length - at) break;
    at += align4(size);
  }
  return data;
}
