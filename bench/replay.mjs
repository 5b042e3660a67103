// SPDX-License-Identifier: MIT
// Rows per second of smcss, from a replayed dump: needs no guest and no SMC. With several bundles they take turns, and
// are compared with the first. Arguments: rounds (10), then bundles (dist/commands/smcss.cjs).
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { madeUpDump } from './made-up-dump.mjs';

const SOCKETS = 30_000;
/** The listings, and the extension bits that they ask the kernel for */
const LISTINGS = /** @type {const} */ ([
  ['-a', 0],
  ['-ad', 1],
  ['-aR', 2],
  ['-aD', 8],
  ['-l', 0],
  ['-aj', 11],
]);

const [rounds = '10', ...given] = process.argv.slice(2);
const bundles = given.length > 0 ? given : ['dist/commands/smcss.cjs'];
const program = fileURLToPath(new URL('replay.cjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'smcss-replay-'));

/** CPU time in microseconds. @param {string} bundle @param {string} options */
function cost(bundle, options) {
  const { status, stderr } = spawnSync(process.execPath, [program, bundle, directory, options], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stderr);
}

/** How many lists are made, and how many seconds apart. */
const WATCH = { lists: 20, interval: 0.5 };

/** CPU time of a list of --watch on a terminal, in microseconds. @param {string} bundle */
async function costOfList(bundle) {
  const result = join(directory, 'result');
  const words = [process.execPath, program, bundle, directory, '-a', '--watch', String(WATCH.interval)];
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  // script(1) is the terminal
  const terminal = spawn('script', ['-qec', `stty cols 120 rows 40; ${quoted}`, '/dev/null'], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...{ TERM: 'xterm', LANG: 'C.UTF-8', REPLAY_RESULT: result, REPLAY_LISTS: String(WATCH.lists) },
    },
  });
  await once(terminal, 'close');
  return Number(readFileSync(result, 'utf8'));
}

try {
  for (const extensions of new Set(LISTINGS.map(([, bits]) => bits))) {
    const parts = madeUpDump(SOCKETS, extensions).flatMap((datagram) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(datagram.length);
      return [length, datagram];
    });
    writeFileSync(join(directory, String(extensions)), Buffer.concat(parts));
  }
  console.log('| smcss | bundle | CPU, median | CPU, min | rows per second | CPU, ratio |');
  console.log('| --- | --- | ---: | ---: | ---: | ---: |');
  for (const [options] of LISTINGS) {
    /** @type {number[][]} */
    const times = bundles.map(() => []);
    for (let round = 0; round < Number(rounds); round++)
      for (const [at, bundle] of bundles.entries()) times[at]?.push(cost(bundle, options));
    const medians = times.map((list) => list.sort((a, b) => a - b)[list.length >> 1] ?? 0);
    for (const [at, bundle] of bundles.entries()) {
      const [median = 0, min = 0, base = 1] = [medians[at], times[at]?.[0], medians[0]];
      const figures = [
        `${(median / 1e3).toFixed(0)} ms`,
        `${(min / 1e3).toFixed(0)} ms`,
        Math.round((SOCKETS / median) * 1e6),
        (median / base).toFixed(2),
      ];
      console.log(`| ${options} | ${bundle} | ${figures.join(' | ')} |`);
    }
  }
  console.log('\n| smcss | bundle | lists | CPU of a list | share of a core, every second |');
  console.log('| --- | --- | ---: | ---: | ---: |');
  for (const bundle of bundles) {
    const cpu = await costOfList(bundle);
    const figures = [WATCH.lists, `${(cpu / 1e3).toFixed(0)} ms`, `${(cpu / 1e4).toFixed(0)}%`];
    console.log(`| -a --watch | ${bundle} | ${figures.join(' | ')} |`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
