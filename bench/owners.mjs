// SPDX-License-Identifier: MIT
// What smcss -p costs beside the list of sockets: a pass over /proc, and the lookup of 30,000 sockets. Of a made-up /proc
// with 2,000 processes of 100 descriptors each, half of them sockets, or of a real one. Needs dist/index.js (npm run build).
// Arguments: rounds (10), then the root of the tree.
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROCESSES = 2000;
const DESCRIPTORS = 100;
const LOOKUPS = 30_000;

/** @param {string} root */
function plant(root) {
  for (let pid = 1000; pid < 1000 + PROCESSES; pid++) {
    const directory = join(root, 'proc', String(pid));
    mkdirSync(join(directory, 'fd'), { recursive: true });
    writeFileSync(join(directory, 'comm'), 'server\n');
    writeFileSync(join(directory, 'cgroup'), '0::/system.slice/server.service\n');
    for (let fd = 0; fd < DESCRIPTORS; fd++) {
      const number = pid * DESCRIPTORS + fd;
      symlinkSync(
        fd % 2 === 0 ? `socket:[${number}]` : `pipe:[${number}]`,
        join(directory, 'fd', String(fd)),
      );
    }
  }
}

/** Inodes of sockets that processes hold. @param {string} root */
function inodes(root) {
  const found = new Set();
  for (const pid of readdirSync(join(root, 'proc')).filter((name) => /^\d+$/.test(name)))
    try {
      for (const fd of readdirSync(join(root, 'proc', pid, 'fd'))) {
        const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(join(root, 'proc', pid, 'fd', fd))) ?? [];
        if (inode !== undefined) found.add(Number(inode));
        if (found.size === LOOKUPS) return [...found];
      }
    } catch {
      // ended, or of somebody else
    }
  return [...found];
}

/** In a process of its own, since a command runs only once. @param {string} root */
async function measure(root) {
  const library = new URL('../dist/index.js', import.meta.url).href;
  const { SocketOwners } = await import(library);
  const wanted = inodes(root);
  const collect = /** @type {() => void} */ (globalThis.gc);
  collect();
  const heap = process.memoryUsage().heapUsed;
  const before = process.cpuUsage();
  const owners = new SocketOwners(root);
  const read = process.cpuUsage(before);
  const then = process.cpuUsage();
  let holders = 0;
  for (const inode of wanted) holders += owners.holdersOf(inode).length;
  const looked = process.cpuUsage(then);
  collect();
  console.log(
    JSON.stringify({
      processes: owners.processes,
      holders,
      read: read.user + read.system,
      lookUp: looked.user + looked.system,
      heap: process.memoryUsage().heapUsed - heap,
    }),
  );
}

const [rounds = '10', given, isInside] = process.argv.slice(2);
if (given !== undefined && isInside) await measure(given);
else {
  const directory = given ?? mkdtempSync(join(tmpdir(), 'smcss-owners-'));
  try {
    if (given === undefined) plant(directory);
    const program = fileURLToPath(import.meta.url);
    const runs = Array.from({ length: Number(rounds) }, () => {
      const words = ['--expose-gc', program, '1', directory, 'inside'];
      return JSON.parse(spawnSync(process.execPath, words, { encoding: 'utf8' }).stdout);
    });
    console.log(
      '| processes | holders looked up | CPU of the pass, median | min | CPU of the lookups, median | heap |',
    );
    console.log('| ---: | ---: | ---: | ---: | ---: | ---: |');
    /** @param {string} key */
    const sorted = (key) => runs.map((run) => run[key]).sort((a, b) => a - b);
    /** @param {number[]} list */
    const median = (list) => list[list.length >> 1] ?? 0;
    const ms = (/** @type {number} */ us) => `${(us / 1e3).toFixed(0)} ms`;
    const figures = [
      median(sorted('processes')),
      median(sorted('holders')),
      ms(median(sorted('read'))),
      ms(sorted('read')[0]),
      ms(median(sorted('lookUp'))),
      `${(median(sorted('heap')) / 2 ** 20).toFixed(1)} MiB`,
    ];
    console.log(`| ${figures.join(' | ')} |`);
  } finally {
    if (given === undefined) rmSync(directory, { recursive: true });
  }
}
