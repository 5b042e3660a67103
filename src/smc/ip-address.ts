// SPDX-License-Identifier: MIT
/** Text of IP addresses as glibc's inet_ntop writes it; Node has no such function. */

/** @param bytes the 4 bytes in network order, at `offset` */
export function formatIpv4(bytes: Uint8Array, offset = 0): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/** Most addresses of a list occur in many of its rows. */
const known = new Map<number, string>();
const MOST_KNOWN = 4096;

/** @param word the address as a number of 32 bits, signed or not */
export function formatIpv4Word(word: number): string {
  let text = known.get(word);
  if (text === undefined) {
    if (known.size === MOST_KNOWN) known.clear();
    text = `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;
    known.set(word, text);
  }
  return text;
}

/**
 * Lower case hex groups; the longest run of at least two zero groups becomes `::`, the first one on a tie;
 * v4-mapped and v4-compatible addresses end in dotted form.
 * @param bytes 16 bytes in network order, at `offset`
 */
export function formatIpv6(bytes: Uint8Array, offset = 0): string {
  const groups: number[] = [];
  for (let i = offset; i < offset + 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);

  let runStart = -1;
  let runLength = 0;
  for (let i = 0; i < 8; ) {
    if (groups[i] !== 0) {
      i++;
      continue;
    }
    const start = i;
    while (i < 8 && groups[i] === 0) i++;
    if (i - start > runLength && i - start >= 2) {
      runStart = start;
      runLength = i - start;
    }
  }

  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i >= runStart && i < runStart + runLength) {
      if (i === runStart) text += ':';
      continue;
    }
    if (i > 0) text += ':';
    // glibc: six leading zero groups, or five and ffff, are followed by a dotted quad
    if (i === 6 && runStart === 0 && (runLength === 6 || (runLength === 5 && groups[5] === 0xffff)))
      return text + formatIpv4(bytes, offset + 12);
    text += groups[i]!.toString(16);
  }
  return runStart >= 0 && runStart + runLength === 8 ? `${text}:` : text;
}
