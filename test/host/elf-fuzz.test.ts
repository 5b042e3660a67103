// SPDX-License-Identifier: MIT
// Damaged headers. Whatever they say, the reader ends with a result or with its own error, and reads little.
import t from 'tap';
import { ElfError, parseElf } from '../../src/host/elf.ts';
import { elfImage } from '../helpers/elf-image.ts';
import { fuzzCases } from '../helpers/fuzz.ts';

const RUNS = fuzzCases({ short: 50_000, long: 1_000_000 });
/** Limit of what one call may read: all tables at their limits, and the names of libraries. */
const READ_MAX = 2 * 1024 * 1024;

const seeds = ([32, 64] as const).flatMap((bits) =>
  (['LE', 'BE'] as const).flatMap((byteOrder) => [
    elfImage({ bits, byteOrder, goNote: true, sections: true, goVersion: 'go1.19.8' }),
    elfImage({ bits, byteOrder, interpreter: null, needed: [] }),
  ]),
);

/** xorshift32: the same numbers in every run. */
let state = 0x2545f491;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

/** Values that arithmetic trips over. */
const EDGES = [0, 1, 2, 4, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

function mutate(data: Buffer): void {
  for (let changes = 1 + random(6); changes > 0; changes--) {
    // most of what matters is in the headers
    const at = random(random(3) === 0 ? data.length : Math.min(data.length, 512));
    switch (random(3)) {
      case 0:
        data[at] = random(256);
        break;
      case 1:
        data[at]! ^= 1 << random(8);
        break;
      default:
        if (at + 4 <= data.length) data.writeUInt32LE(EDGES[random(EDGES.length)]!, at);
    }
  }
}

t.test(`${RUNS} damaged files`, async (t) => {
  const copies = seeds.map((seed) => Buffer.from(seed));
  let parsed = 0;
  let refused = 0;
  let most = 0;
  const before = process.memoryUsage.rss();
  for (let run = 0; run < RUNS; run++) {
    const which = run % seeds.length;
    const copy = copies[which]!;
    seeds[which]!.copy(copy);
    mutate(copy);
    // some end early
    const data = random(8) === 0 ? copy.subarray(0, random(copy.length + 1)) : copy;
    let bytes = 0;
    try {
      parseElf({
        read(offset, length) {
          const part = data.subarray(offset, offset + length);
          bytes += length;
          return part;
        },
      });
      parsed++;
    } catch (error) {
      if (!(error instanceof ElfError)) {
        t.fail(`run ${run}: ${error}`, { bytes: data.toString('hex') });
        return;
      }
      refused++;
    }
    if (bytes > most) most = bytes;
  }
  t.equal(parsed + refused, RUNS);
  t.ok(parsed > RUNS / 10, `${parsed} were read`);
  t.ok(refused > RUNS / 10, `${refused} were refused`);
  t.ok(most <= READ_MAX, `at most ${most} bytes were asked for`);
  const grown = process.memoryUsage.rss() - before;
  t.ok(grown < 256 * 1024 * 1024, `memory grew by ${grown} bytes`);
});
