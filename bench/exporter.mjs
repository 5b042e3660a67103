// SPDX-License-Identifier: MIT
// What a scrape of smc_exporter costs with an empty table and with 30,000 sockets, from made-up answers: needs no guest and
// no SMC. Argument: rounds (200).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { madeUpDump } from './made-up-dump.mjs';

const SOCKETS = 30_000;
const rounds = Number(process.argv[2] ?? 200);
const bundle = fileURLToPath(new URL('../dist/commands/smc_exporter.cjs', import.meta.url));
const { run } = createRequire(import.meta.url)(bundle);
const directory = mkdtempSync(join(tmpdir(), 'exporter-'));

/** A kernel that has the family of SMC, and ends every other dump at once, but for that of sockets. */
function kernel(/** @type {readonly Buffer[]} */ sockets) {
  const done = (/** @type {number} */ sequence) => {
    const data = Buffer.alloc(20);
    data.writeUInt32LE(20, 0);
    data.writeUInt16LE(3, 4);
    data.writeUInt32LE(sequence, 8);
    return data;
  };
  return {
    order: 'LE',
    async open() {
      /** @type {(data: Buffer, from: { port: number }) => void} */
      let deliver = () => {};
      return {
        on(/** @type {string} */ event, /** @type {typeof deliver} */ listener) {
          if (event === 'message') deliver = listener;
        },
        send(
          /** @type {Buffer} */ request,
          /** @type {undefined} */ _options,
          /** @type {() => void} */ callback,
        ) {
          callback();
          const sequence = request.readUInt32LE(8);
          const isFamilies = request.readUInt16LE(4) === 16;
          const datagrams = isFamilies ? [family(sequence)] : request[16] === 43 ? [...sockets] : [];
          if (!isFamilies)
            for (const datagram of datagrams)
              for (let at = 0; at < datagram.length; at += (datagram.readUInt32LE(at) + 3) & ~3)
                datagram.writeUInt32LE(sequence, at + 8);
          const isDump = (request.readUInt16LE(6) & 0x300) === 0x300;
          datagrams.push(isDump ? done(sequence) : acknowledged(request));
          const next = () => {
            const datagram = datagrams.shift();
            if (!datagram) return;
            deliver(datagram, { port: 0 });
            setImmediate(next);
          };
          setImmediate(next);
        },
        address: () => ({ port: 0 }),
        close() {},
      };
    },
  };
}

/** ERROR with errno 0, and the header of the request. */
function acknowledged(/** @type {Buffer} */ request) {
  const data = Buffer.alloc(36);
  data.writeUInt32LE(36, 0);
  data.writeUInt16LE(2, 4);
  request.copy(data, 8, 8, 12);
  request.copy(data, 20, 0, 16);
  return data;
}

/** The answer that there is a family SMC_GEN_NETLINK, of number 30. */
function family(/** @type {number} */ sequence) {
  const name = Buffer.from('SMC_GEN_NETLINK\0');
  const attributes = Buffer.alloc(16 + 4 + name.length);
  // number, version, name
  attributes.writeUInt16LE(6, 0);
  attributes.writeUInt16LE(1, 2);
  attributes.writeUInt16LE(30, 4);
  attributes.writeUInt16LE(8, 8);
  attributes.writeUInt16LE(3, 10);
  attributes.writeUInt32LE(1, 12);
  attributes.writeUInt16LE(4 + name.length, 16);
  attributes.writeUInt16LE(2, 18);
  name.copy(attributes, 20);
  const data = Buffer.alloc(20 + attributes.length);
  data.writeUInt32LE(data.length, 0);
  data.writeUInt16LE(16, 4);
  data.writeUInt32LE(sequence, 8);
  data[16] = 1;
  data[17] = 2;
  attributes.copy(data, 20);
  return data;
}

/** A host on which so many sockets are open. */
function host(/** @type {number} */ sockets) {
  const root = join(directory, String(sockets));
  mkdirSync(join(root, 'proc/net'), { recursive: true });
  mkdirSync(join(root, 'proc/sys/kernel'), { recursive: true });
  writeFileSync(join(root, 'proc/net/protocols'), `protocol  size sockets\nSMC 1 ${sockets}\n`);
  writeFileSync(join(root, 'proc/sys/kernel/osrelease'), '7.3.0\n');
  return root;
}

/** Microseconds of processor time of a scrape, without the first ones. */
async function cost(/** @type {readonly string[]} */ words, /** @type {number} */ sockets, count = rounds) {
  const world = {
    transport: kernel(sockets > 0 ? madeUpDump(sockets, 0) : []),
    hostRoot: host(sockets),
    io: { write() {}, flush() {}, error() {}, isTerminal: false, env: {} },
  };
  const scrape = () => run(['--once', ...words], world);
  for (let i = 0; i < Math.min(50, count); i++) await scrape();
  const begin = process.cpuUsage();
  for (let i = 0; i < count; i++) await scrape();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / count;
}

try {
  console.log('| scrape | sockets | CPU | ratio |\n| --- | ---: | ---: | ---: |');
  /** @type {number[]} */
  const empty = [];
  /** @type {number[]} */
  const many = [];
  // in turns, because the speed of a machine drifts
  for (let turn = 0; turn < 5; turn++) {
    empty.push(await cost([], 0));
    many.push(await cost([], SOCKETS));
  }
  const least = (/** @type {number[]} */ times) => Math.min(...times);
  const line = (/** @type {string} */ words, /** @type {number} */ sockets, /** @type {number} */ time) =>
    console.log(
      `| ${words} | ${sockets} | ${(time / 1e3).toFixed(2)} ms | ${(time / least(empty)).toFixed(2)} |`,
    );
  line('default collectors', 0, least(empty));
  line('default collectors', SOCKETS, least(many));
  line('--collector sockets', SOCKETS, await cost(['--collector', 'sockets'], SOCKETS, 10));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
