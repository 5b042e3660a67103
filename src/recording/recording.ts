// SPDX-License-Identifier: MIT
/**
 * Recordings of netlink traffic as text: `recorder.ts` makes them, `player.ts` answers from them. A recording is a file
 * with one JSON object per line: a header, then the exchanges. It keeps the kernel's byte order, so a recording made on
 * s390x can be read on x86.
 *
 *     {"format":"smc-tools-recording","version":1,"order":"LE","kernel":"6.12.95+deb12-amd64"}
 *     {"protocol":16,"request":"24000000…","replies":["…","…"]}
 *
 * `request` is one message, `replies` are datagrams in hexadecimal.
 */
import { type ByteOrder, MalformedError } from '../netlink/codec.ts';

const RECORDING_FORMAT = 'smc-tools-recording';
const VERSION = 1;
/** All that the suite can ask is some hundred questions; each is looked for among all exchanges. */
const MOST_EXCHANGES = 10_000;

/** A request, and what came in answer to it. */
export interface ExchangeRecord {
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
