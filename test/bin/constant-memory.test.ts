// SPDX-License-Identifier: MIT
// Big tables stream: ten times the sockets, the same memory, also when the reader is slow.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { NODE } from '../helpers/node.ts';
import { tied } from '../helpers/tied.ts';

const program = fileURLToPath(new URL('stream-sockets.cjs', import.meta.url));

/**
 * V8 lets its young generation grow up to 16 MB, twice, as long as garbage is made quickly: that says nothing about what
 * the listing keeps, and differs between versions of Node. So it has one size here.
 */
const YOUNG_GENERATION = ['--min-semi-space-size=4', '--max-semi-space-size=4'];

/** Peak memory of a listing in KiB, and the bytes it wrote; the reader takes a break after the first piece. */
async function listing(
  sockets: number,
  options: string[],
  pauseMs: number,
): Promise<{ peak: number; bytes: number }> {
  const child = spawn(...tied(NODE, [...YOUNG_GENERATION, program, String(sockets), ...options]), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let bytes = 0;
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  child.stdout.once('data', () => {
    child.stdout.pause();
    setTimeout(() => child.stdout.resume(), pauseMs);
  });
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(stderr);
  return { peak: Number(stderr), bytes };
}

/**
 * Room for noise: a collector that gets little of a busy machine leaves garbage for longer. The larger table is 27 MB as
 * text, 115 MB as JSON, and its rows would be some 200 MB as objects. With the young generation fixed the difference was
 * 0.5 MB on Node 20 and 22, 2.3 MB on 24 and 26, and 20 MB on Node 20 at a load of 15.
 */
const ALLOWANCE_KIB = 40_000;

for (const options of [['-a'], ['-a', '-j']])
  t.test(`smcss ${options.join(' ')}`, async (t) => {
    const small = await listing(30_000, options, 0);
    const large = await listing(300_000, options, 1500);
    t.ok(large.bytes > 9.9 * small.bytes, 'all rows arrived');
    t.ok(
      large.peak - small.peak < ALLOWANCE_KIB,
      `${small.peak} KiB for 30,000 sockets, ${large.peak} KiB for 300,000`,
    );
  });
