// SPDX-License-Identifier: MIT
/** The conditions of a filter of sockets: what each asks, and how its value is written. */
import { isIPv4 } from 'node:net';
import type { NetworkNamespace } from '../host/network-namespaces.ts';
import type { SocketHolder } from '../host/socket-owners.ts';
import { fallbackReasons } from './fallback-reasons.ts';
import { parseIpv6 } from './parse-ipv6.ts';
import { fallbackOf, isConnection, linkGroupOfSocket, type SeenSocket } from './seen-socket.ts';
import { FilterError, type Token } from './socket-filter-words.ts';
import {
  connectionMode,
  type Endpoint,
  SOCKET_STATES,
  STATE_CLOSED,
  STATE_INIT,
  STATE_LISTEN,
} from './sockets.ts';

/** What a filter needs to know of a socket beyond the basics. */
export type FilterNeed = 'ownership' | 'link' | 'dmb' | 'side' | 'smcrLinkGroup' | 'netns';

/** Whether a socket is wanted. */
export type Test = (socket: SeenSocket) => boolean;

/** Looks up the names that stand in a filter. */
export interface FilterNames {
  /** port of a service, from /etc/services */
  service(name: string): number | undefined;
  /** number of a user, from /etc/passwd */
  user(name: string): number | undefined;
  /** whether there is an interface of this name; true when that cannot be said for all sockets at once */
  hasInterface(name: string): boolean;
  /** index of an interface in the network namespace of the socket that is looked at; asked for each socket */
  interfaceIndex(name: string): number | undefined;
}

/** The words behind a condition. */
interface Reader {
  take(): Token;
  peek(): Token;
  names: FilterNames;
}

interface Condition {
  needs?: readonly FilterNeed[];
  /** words that the value can be; what a shell offers for it */
  words?: readonly string[];
  /** those that follow each other belong together */
  isState?: boolean;
  /** @throws FilterError */
  read(reader: Reader): Test;
}

type Order = '=' | '!=' | '<' | '>' | '<=' | '>=';

const COMPARISONS: Readonly<Record<string, Order>> = {
  '=': '=',
  '==': '=',
  eq: '=',
  '!=': '!=',
  ne: '!=',
  neq: '!=',
  '<': '<',
  lt: '<',
  '>': '>',
  gt: '>',
  '<=': '<=',
  '=<': '<=',
  le: '<=',
  leq: '<=',
  '>=': '>=',
  '=>': '>=',
  ge: '>=',
  geq: '>=',
};

const HOLDS: Readonly<Record<Order, (one: number, other: number) => boolean>> = {
  '=': (one, other) => one === other,
  '!=': (one, other) => one !== other,
  '<': (one, other) => one < other,
  '>': (one, other) => one > other,
  '<=': (one, other) => one <= other,
  '>=': (one, other) => one >= other,
};

/** The comparison that follows; without one it is `=`. */
function comparison({ take, peek }: Reader): Order {
  const { kind, text } = peek();
  const word = text.toLowerCase();
  if (kind === 'quoted' || !Object.hasOwn(COMPARISONS, word)) return '=';
  take();
  return COMPARISONS[word]!;
}

/** Like `comparison`, for values that have no order. */
function isEqual(reader: Reader): boolean {
  const token = reader.peek();
  const order = comparison(reader);
  if (order !== '=' && order !== '!=') throw new FilterError(token, '=, != or a value');
  return order === '=';
}

/** The value that follows. @param words from which it has to come, if it is not any */
function value({ take }: Reader, expected: string): Token {
  const token = take();
  if (token.kind === 'sign' || token.kind === 'end') throw new FilterError(token, expected);
  return token;
}

/** A condition whose value is a word that becomes something to compare with. */
function equality<T>(
  expected: string,
  read: (text: string, names: FilterNames) => T | undefined,
  test: (value: T, names: FilterNames) => Test,
  { needs = [], words = [] }: { needs?: readonly FilterNeed[]; words?: readonly string[] } = {},
): Condition {
  return {
    needs,
    words,
    read(reader) {
      const wantsEqual = isEqual(reader);
      const token = value(reader, expected);
      const wanted = read(token.text, reader.names);
      if (wanted === undefined) throw new FilterError(token, expected, words);
      const matches = test(wanted, reader.names);
      return wantsEqual ? matches : (socket) => !matches(socket);
    },
  };
}

/** A condition whose value is one of a few words. */
function choice<W extends string>(
  words: readonly W[],
  test: (word: W) => Test,
  needs: readonly FilterNeed[] = [],
): Condition {
  const find = (text: string): W | undefined => words.find((word) => word === text.toLowerCase());
  return equality(`${words.slice(0, -1).join(', ')} or ${words.at(-1)}`, find, test, { needs, words });
}

/** A condition whose value is a number. */
function order(
  expected: string,
  read: (text: string, names: FilterNames) => number | undefined,
  of: (socket: SeenSocket) => number | readonly number[] | undefined,
  needs: readonly FilterNeed[] = [],
): Condition {
  return {
    needs,
    read(reader) {
      const holds = HOLDS[comparison(reader)];
      const token = value(reader, expected);
      const limit = read(token.text, reader.names);
      if (limit === undefined) throw new FilterError(token, expected);
      return (socket) => {
        const number = of(socket);
        if (typeof number === 'number') return holds(number, limit);
        return number?.some((one) => holds(one, limit)) ?? false;
      };
    },
  };
}

const U32_MAX = 0xffff_ffff;

const wholeNumber = (text: string, max = U32_MAX): number | undefined =>
  /^\d{1,10}$/.test(text) && Number(text) <= max ? Number(text) : undefined;

const hexNumber = (text: string): number | undefined =>
  /^(0x)?[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined;

/** Groups of states, under the names of ss(8), and the states of SMC themselves. */
const STATES: Readonly<Record<string, (state: number) => boolean>> = {
  established: (state) => state === 1,
  connected: (state) => state !== STATE_INIT && state !== STATE_LISTEN && state !== STATE_CLOSED,
  synchronized: (state) => state !== STATE_INIT && state !== STATE_LISTEN && state !== STATE_CLOSED,
  listening: (state) => state === STATE_LISTEN,
  unconnected: (state) => state === STATE_INIT,
  closing: (state) => state >= 20,
  all: () => true,
  ...Object.fromEntries(
    Object.entries(SOCKET_STATES).map(([number, name]) => [
      name.toLowerCase(),
      (state: number) => state === Number(number),
    ]),
  ),
};

const state: Condition = {
  ...equality(
    `a state: ${Object.keys(STATES).join(', ')}`,
    (text) => {
      const name = text.toLowerCase();
      if (Object.hasOwn(STATES, name)) return STATES[name];
      const number = /^0x[0-9a-f]{1,2}\??$/.test(name) ? Number.parseInt(name, 16) : undefined;
      return number === undefined ? undefined : (one: number) => one === number;
    },
    (isWanted) => (socket) => isWanted(socket.state),
    { words: Object.keys(STATES) },
  ),
  isState: true,
};

const PORT_MAX = 65_535;

function port(text: string, { service }: FilterNames): number | undefined {
  const name = text.replace(/^:/, '');
  return /^\d+$/.test(name) ? wholeNumber(name, PORT_MAX) : service(name);
}

/** Network of an address: its bytes, and how many bits of them count. */
interface Network {
  bytes: Uint8Array;
  bits: number;
}

const bytesOf = (text: string): Uint8Array | undefined =>
  isIPv4(text) ? Uint8Array.from(text.split('.').map(Number)) : parseIpv6(text);

function network(text: string): Network | undefined {
  const [address = '', length, ...more] = text.split('/');
  const bytes = bytesOf(address);
  if (!bytes || more.length > 0) return undefined;
  const all = bytes.length * 8;
  const bits = length === undefined ? all : wholeNumber(length, all);
  return bits === undefined ? undefined : { bytes, bits };
}

function contains({ bytes, bits }: Network, address: Uint8Array): boolean {
  // an IPv4 network also has the IPv4 addresses inside IPv6, as in ss
  const offset = bytes.length === 4 && address.length === 16 && isMapped(address) ? 12 : 0;
  if (address.length - offset !== bytes.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== address[offset + i]) return false;
  const rest = 8 - (bits & 7);
  return rest === 8 || bytes[whole]! >> rest === address[offset + whole]! >> rest;
}

/** ::ffff:0:0/96 */
function isMapped(address: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}

/** `PREFIX[:PORT]`, `[PREFIX]:PORT`, `:PORT`; `*` is any address. */
function hostAndPort(
  text: string,
  names: FilterNames,
): { network: Network | undefined; port: number | undefined } | undefined {
  const [, inside, length = '', afterBracket] = /^\[([^\]]*)\](\/\d+)?(?::(.*))?$/.exec(text) ?? [];
  const isBare = inside === undefined && network(text) !== undefined;
  const [, before = text, after] = isBare ? [] : (/^(.*):([^:]*)$/.exec(text) ?? []);
  const prefix = inside === undefined ? before : `${inside}${length}`;
  const portText = inside === undefined ? after : afterBracket;
  const isAny = prefix === '' || prefix === '*';
  const wanted = isAny ? undefined : network(prefix);
  const wantedPort = portText === undefined || portText === '*' ? undefined : port(portText, names);
  const isWrong =
    (!isAny && wanted === undefined) ||
    (portText !== undefined && portText !== '*' && wantedPort === undefined) ||
    // neither an address nor a port
    (prefix === '' && portText === undefined);
  return isWrong ? undefined : { network: wanted, port: wantedPort };
}

const end = (of: (socket: SeenSocket) => Endpoint): Condition =>
  equality(
    'an address, as in 10.0.0.1, 10.0.0.0/8:443, [fe80::]/10 or :https',
    hostAndPort,
    (wanted) => (socket) => {
      const { address, port: number } = of(socket);
      if (wanted.port !== undefined && wanted.port !== number) return false;
      if (!wanted.network) return true;
      const bytes = address === undefined ? undefined : bytesOf(address);
      return bytes !== undefined && contains(wanted.network, bytes);
    },
  );

const PORT = 'a port from 0 to 65535, or a service of /etc/services';

const REASON_WORDS: readonly string[] = [...fallbackReasons.values()].map(({ name }) => name);

/** Name of a reason with or without the kernel's prefix, name in the statistics, or code in hexadecimal. */
function reasonCode(text: string): number | undefined {
  const name = text.toUpperCase().replace(/^SMC_CLC_DECL_/, '');
  for (const reason of fallbackReasons.values())
    if (reason.name === name || reason.label === name) return reason.code;
  return /^0x[0-9a-f]{1,8}$/i.test(text) || /^[0-9a-f]{8}$/i.test(text) ? hexNumber(text) : undefined;
}

const reason = (which: 'reason' | 'peerDiagnosis'): Condition =>
  equality(
    'the name of a reason such as NOSMCDEV, or a code such as 0x03030000',
    reasonCode,
    (code) => (socket) => fallbackOf(socket)?.[which] === code,
    { words: REASON_WORDS },
  );

/** So many digits of a container are enough to name it. */
const LEAST_ID = 12;

const isNamespace = ({ name, container, inode }: NetworkNamespace, text: string): boolean =>
  name === text ||
  String(inode) === text ||
  (container !== undefined &&
    (container.id === text || (text.length >= LEAST_ID && container.id.startsWith(text))));

const COMMAND_BYTES = 15;

/** A condition on one of the processes that hold a socket. */
const held = (
  expected: string,
  read: (text: string) => string,
  test: (holder: SocketHolder, name: string) => boolean,
): Condition =>
  equality(
    expected,
    (text) => (text === '' ? undefined : read(text)),
    (name) =>
      ({ ownership }) =>
        ownership?.holders.some((holder) => test(holder, name)) ?? false,
    { needs: ['ownership'] },
  );

/** All conditions, by the word that they start with. */
export const CONDITIONS: Readonly<Record<string, Condition>> = {
  state,
  exclude: state,
  src: end(({ local }) => local),
  dst: end(({ peer }) => peer),
  sport: order(PORT, port, ({ local }) => local.port),
  dport: order(PORT, port, ({ peer }) => peer.port),
  dev: equality(
    'the name or index of an interface',
    (text, names) => wholeNumber(text) ?? (names.hasInterface(text) ? text : undefined),
    (wanted, names) => (socket) =>
      socket.id.interface !== 0 &&
      socket.id.interface === (typeof wanted === 'number' ? wanted : names.interfaceIndex(wanted)),
  ),
  mode: choice(['smcr', 'smcd', 'smc', 'tcp', 'none'], (word) => (socket) => {
    const mode = connectionMode(socket)?.toLowerCase() ?? 'none';
    return mode === word || (word === 'smc' && mode.startsWith('smc'));
  }),
  reason: reason('reason'),
  'peer-reason': reason('peerDiagnosis'),
  side: choice(['client', 'server'], (word) => (socket) => isConnection(socket) && socket.side === word, [
    'side',
  ]),
  uid: order(
    'the number of a user',
    (text) => wholeNumber(text),
    ({ uid }) => uid,
  ),
  user: equality(
    'the name of a user of /etc/passwd, or a number',
    (text, names) => wholeNumber(text) ?? names.user(text),
    (uid) => (socket) => socket.uid === uid,
  ),
  pid: order(
    'the number of a process',
    (text) => wholeNumber(text),
    ({ ownership }) => ownership?.holders.map(({ pid }) => pid),
    ['ownership'],
  ),
  comm: held(
    'the name of a command',
    // the kernel keeps no more of it
    (text) => Buffer.from(text).subarray(0, COMMAND_BYTES).toString(),
    ({ command }, name) => command === name,
  ),
  unit: held(
    'the name of a unit of systemd',
    (text) => (text.includes('.') ? text : `${text}.service`),
    ({ unit }, name) => unit === name,
  ),
  netns: equality(
    'the name, container or inode of a network namespace',
    (text) => text || undefined,
    (text) =>
      ({ netns }) =>
        netns !== undefined && isNamespace(netns, text),
    { needs: ['netns'] },
  ),
  ibdev: equality(
    'the name of an RDMA device',
    (text) => text || undefined,
    (name) =>
      ({ attributes: { link } }) =>
        link?.ibName === name,
    { needs: ['link'] },
  ),
  lgr: equality(
    'the number of a link group, in hexadecimal as smcd and smcr show it',
    hexNumber,
    (id) => (socket) => linkGroupOfSocket(socket) === id,
    { needs: ['dmb', 'link', 'smcrLinkGroup'] },
  ),
};
