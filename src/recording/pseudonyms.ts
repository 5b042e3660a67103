// SPDX-License-Identifier: MIT
/**
 * Other names for addresses, hosts, enterprise IDs, units and containers: the same for the same thing, of the same shape, so that
 * everything that reads the original reads the replacement. Replacements are from ranges that nobody uses, and come out
 * unchanged when they are replaced again.
 */
import { isIPv6 } from 'node:net';
import { type Container, formatControlGroup, parseControlGroup, unescaped } from '../host/control-group.ts';
import { formatIpv4, formatIpv6 } from '../smc/ip-address.ts';
import { parseIpv6 } from '../smc/parse-ipv6.ts';
import type { Pseudonyms } from './redaction.ts';

/** Numbers things in the order in which they are met. */
class Numbering<K> {
  readonly #numbers = new Map<K, number>();

  of(key: K): number {
    const number = this.#numbers.get(key) ?? this.#numbers.size + 1;
    this.#numbers.set(key, number);
    return number;
  }
}

/** First byte of IPv4 replacements: class E, which no network uses. */
const IPV4_FIRST = 240;
/** 2001:db8::/32, for documentation */
const IPV6_PREFIX = '20010db8';
/** Interface part of IPv6 replacements, before the number. */
const IPV6_HOST = 'feed0000feed';
/** A locally administered hardware address, before the number. */
const MAC_PREFIX = '0a:ed:fe';
const GUID_PREFIX = '0aed:feed:';
const GID_PREFIX = 0xfeed_0000_0000_0000n;
/** Units that say no more than a number of a user or a session. */
const HARMLESS_UNIT = /^(?:init\.scope|session-\w+\.scope|user@\d+\.service)$/;
/** Replacements of units and containers. */
const OUR_UNIT = /^unit\d+\.\w+$/;
const OUR_CONTAINER = /^(?:container\d+|feed[0-9a-f]{8}0{52})$/;

export class Redactor implements Pseudonyms {
  readonly #ipv4Networks = new Numbering<string>();
  readonly #ipv4Subnets = new Map<string, Numbering<number>>();
  readonly #ipv6Networks = new Numbering<string>();
  readonly #ipv6Hosts = new Numbering<string>();
  readonly #macs = new Numbering<string>();
  readonly #guids = new Numbering<string>();
  readonly #gids = new Numbering<bigint>();
  readonly #units = new Numbering<string>();
  readonly #containers = new Numbering<string>();
  readonly #words = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #counts = new Map<string, number>();

  /** Addresses of a subnet stay in one subnet; loopback, unspecified and multicast addresses stay as they are. */
  readonly address = (address: Uint8Array): Uint8Array =>
    address.length === 4 ? this.#ipv4(address) : this.#ipv6(address);

  readonly eid = (text: string): string => this.#word(text, 'EID', 'X');

  readonly hostName = (text: string): string =>
    NO_NAMES.includes(text) ? text : this.#word(text, 'host', 'x');

  readonly gid = (value: bigint): bigint =>
    value === 0n || value >> 48n === GID_PREFIX >> 48n ? value : GID_PREFIX + BigInt(this.#gids.of(value));

  /** A GID of SMC-D as the kernel prints it, as a UUID: the two halves are replaced as in link groups. */
  gidUuid(text: string): string {
    const hex = text.trim().replaceAll('-', '');
    if (!/^[0-9a-f]{32}$/i.test(hex)) return text;
    const halves = [hex.slice(0, 16), hex.slice(16)].map((half) =>
      this.gid(BigInt(`0x${half}`))
        .toString(16)
        .padStart(16, '0'),
    );
    return `${halves.join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}\n`;
  }

  readonly gidText = (text: string): string => {
    const address = parseIpv6(text);
    return address ? fullForm(this.address(address)) : '';
  };

  /**
   * What /proc/PID/cgroup tells of a process, without the rest of the path.
   * @param command of the process; a unit that is called like it is not replaced, because the command is not
   */
  controlGroup(text: string, command: string): string {
    const { unit, container } = parseControlGroup(text);
    const renamed = container && { runtime: container.runtime, id: this.#container(container) };
    return formatControlGroup({
      unit: unit === undefined ? undefined : this.#unit(unit, { command, container, renamed }),
      container: renamed,
    });
  }

  #container({ id }: Container): string {
    if (OUR_CONTAINER.test(id)) return id;
    const number = this.#containers.of(id);
    // the first 12 digits are what is shown
    return /^[0-9a-f]{64}$/.test(id)
      ? `feed${number.toString(16).padStart(8, '0')}`.padEnd(64, '0')
      : `container${number}`;
  }

  #unit(
    unit: string,
    {
      command,
      container,
      renamed,
    }: { command: string; container: Container | undefined; renamed: Container | undefined },
  ): string {
    if (HARMLESS_UNIT.test(unit) || OUR_UNIT.test(unit) || unit === `${command}.service`) return unit;
    // the unit of the container itself, such as docker-ID.scope
    if (container && renamed && parseControlGroup(`0::/${unit}`).container?.id === container.id)
      return unescaped(unit).replace(container.id, () => renamed.id);
    return `unit${this.#units.of(unit)}${unit.slice(unit.lastIndexOf('.'))}`;
  }

  /** Replaces what stands in a text: addresses of any kind, and host names and enterprise IDs met before. */
  text(text: string): string {
    const known = text.replace(IPV4, (match) => this.#ipv4Text(match));
    const plain = known
      .replace(MAC, (match) => this.#mac(match))
      .replace(GUID, (match) => this.#guid(match))
      .replace(IPV6, (match) => (isIPv6(match) ? this.#ipv6Text(match) : match));
    const words = this.#wordPattern();
    return words ? plain.replace(words, (word) => this.#words.get(word.toLowerCase()) ?? word) : plain;
  }

  #ipv4(address: Uint8Array): Uint8Array {
    const [a = 0, b = 0, c = 0, d = 0] = address;
    if (a === 0 || a === 127 || a >= 224) return address; // this, loopback, multicast, ours and broadcast
    const network = this.#ipv4Networks.of(`${a}.${b}`);
    const third = this.#inside(`${a}.${b}`, c) - 1;
    const last = d === 0 || d === 255 ? d : this.#inside(`${a}.${b}.${c}`, d);
    return Uint8Array.from([Math.min(IPV4_FIRST + (network >> 8), 254), network & 0xff, third, last]);
  }

  #inside(subnet: string, part: number): number {
    const numbering = this.#ipv4Subnets.get(subnet) ?? new Numbering<number>();
    this.#ipv4Subnets.set(subnet, numbering);
    return numbering.of(part);
  }

  #ipv4Text(text: string): string {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte < 256) ? formatIpv4(this.#ipv4(Uint8Array.from(bytes))) : text;
  }

  #ipv6(address: Uint8Array): Uint8Array {
    const hex = Buffer.from(address).toString('hex');
    if (/^0{31}[01]$/.test(hex) || hex.startsWith('ff') || hex.startsWith(IPV6_PREFIX)) return address;
    if (hex.startsWith('0'.repeat(20))) {
      // IPv4 inside: ::ffff:a.b.c.d and ::a.b.c.d
      return Uint8Array.from([...address.subarray(0, 12), ...this.#ipv4(address.subarray(12))]);
    }
    const [network, host] = [hex.slice(0, 16), hex.slice(16)];
    const isOurs = host.startsWith(IPV6_HOST);
    const isLinkLocal = /^fe[89ab]/.test(network);
    const prefix = isLinkLocal
      ? network
      : `${IPV6_PREFIX}${this.#ipv6Networks.of(network).toString(16).padStart(8, '0')}`;
    if (isOurs && isLinkLocal) return address;
    const number = /^0+$/.test(host) ? 0 : this.#ipv6Hosts.of(host);
    return Uint8Array.from(
      Buffer.from(`${prefix}${IPV6_HOST}${number.toString(16).padStart(4, '0').slice(-4)}`, 'hex'),
    );
  }

  #ipv6Text(text: string): string {
    const address = parseIpv6(text);
    if (!address) return text;
    const other = this.#ipv6(address);
    return FULL_FORM.test(text) ? fullForm(other) : formatIpv6(other);
  }

  #mac(text: string): string {
    const lower = text.toLowerCase();
    if (/^(?:00:)+00$|^(?:ff:)+ff$/.test(lower) || lower.startsWith(MAC_PREFIX)) return text;
    const number = this.#macs.of(lower).toString(16).padStart(6, '0');
    const tail = [number.slice(0, 2), number.slice(2, 4), number.slice(4, 6)].join(':');
    return `${MAC_PREFIX}:${tail}`.padEnd(text.length, ':00');
  }

  #guid(text: string): string {
    if (/^[0:]+$/.test(text) || text.startsWith(GUID_PREFIX)) return text;
    const number = this.#guids.of(text.toLowerCase()).toString(16).padStart(8, '0');
    return `${GUID_PREFIX}${number.slice(0, 4)}:${number.slice(4)}`;
  }

  /** A word of the same length that is made of `kind`, a number and filling. */
  #word(text: string, kind: string, filling: string): string {
    const key = text.toLowerCase();
    const known = this.#words.get(key);
    if (known !== undefined || this.#taken.has(text)) return known ?? text;
    let word = text;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    for (let number = count; this.#taken.has(word) || word === text; number++) {
      const name = `${kind}${number}`;
      word = name.length > text.length ? name.slice(-text.length) : name.padEnd(text.length, filling);
    }
    this.#taken.add(word);
    this.#words.set(key, word);
    return word;
  }

  /** Known words, whole, in any case; the longest first. */
  #wordPattern(): RegExp | undefined {
    const words = [...this.#words.keys()].filter((word) => word.length >= SHORTEST_WORD);
    if (words.length === 0) return undefined;
    const alternatives = words
      .sort((one, other) => other.length - one.length)
      .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`(?<![\\w-])(?:${alternatives.join('|')})(?![\\w-])`, 'gi');
  }
}

/** What hosts without a name are called. */
const NO_NAMES: readonly string[] = ['', '(none)', 'localhost', 'localhost.localdomain'];

/** Shorter names are also words of other texts. */
const SHORTEST_WORD = 3;

const IPV4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]|-\w)/g;
const MAC = /(?<![\w:])[0-9a-f]{2}(?::[0-9a-f]{2}){5,19}(?![\w:])/gi;
const GUID = /(?<![\w:])[0-9a-f]{4}(?::[0-9a-f]{4}){3}(?![\w:])/gi;
const IPV6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{0,4}|\d{1,3}(?:\.\d{1,3}){3})(?![\w:.])/gi;
const FULL_FORM = /^[0-9a-f]{4}(?::[0-9a-f]{4}){7}$/i;

function fullForm(address: Uint8Array): string {
  return (Buffer.from(address).toString('hex').match(/..../g) ?? []).join(':');
}
