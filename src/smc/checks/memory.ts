// SPDX-License-Identifier: MIT
import { pageSize, readFreeBlocks, readMemory } from '../../host/memory.ts';
import { readSysctl } from '../../host/sysctl.ts';
import { type Observed, observeNow } from '../observed.ts';
import { type Check, type CheckContext, defineCheck } from './check.ts';
import { COUNT_ANEW, RESET_TIME, resetTime, sinceText } from './statistics.ts';

/** A host that has room for fewer connections than that is short of memory. */
const FEW_CONNECTIONS = 1000;

interface Buffers {
  send: number;
  receive: number;
}

/** The default sizes. */
function readBuffers(root: string): Observed<Buffers> {
  const sizes = observeNow(() => ['wmem', 'rmem'].map((name) => readSysctl(`net.smc.${name}`, root)));
  if (!sizes.value) return sizes;
  const [send, receive] = sizes.value;
  if (send === undefined || receive === undefined)
    return { why: 'there are no settings net.smc.wmem and net.smc.rmem' };
  return { value: { send: Number(send), receive: Number(receive) } };
}

/** Whether there is memory for the buffers of connections. */
export const memoryCheck = defineCheck({
  id: 'memory',
  about: 'Whether there is enough free memory for the buffers of many connections.',
  facts: {
    available_bytes: 'free memory',
    total_bytes: 'all memory',
    connection_bytes: 'buffers of one connection',
    connections: 'connections whose buffers fit into the free memory',
  },
  run({ host: { root }, pass, warn, fail, unknown }) {
    const buffers = readBuffers(root);
    if (!buffers.value)
      return [unknown(null, 'the buffer sizes of SMC cannot be read', { reason: buffers.why })];
    const { send, receive } = buffers.value;
    const memory = observeNow(() => readMemory(root));
    if (!memory.value) return [unknown(null, 'the free memory cannot be read', { reason: memory.why })];
    const { total, available } = memory.value;
    const connections = Math.floor(available / (send + receive));
    const facts = {
      available_bytes: available,
      total_bytes: total,
      connection_bytes: send + receive,
      connections,
    };
    const finding = `${mebibytes(available)} MiB available, enough for the buffers of ${connections} connections`;
    if (connections >= FEW_CONNECTIONS) return [pass(null, finding, { facts })];
    const report = connections === 0 ? fail : warn;
    return [
      report(null, finding, {
        reason: 'a connection that gets no buffer falls back to TCP (0x01010000, MEM)',
        fix: 'free memory, or make new buffers smaller: sysctl -w net.smc.wmem=65536 net.smc.rmem=65536',
        facts,
      }),
    ];
  },
});

const mebibytes = (bytes: number): number => Math.floor(bytes / 1_048_576);

/** Buffers of SMC-R that must be in one piece need free blocks of their size. */
export const contiguousMemoryCheck = defineCheck({
  id: 'contiguous-memory',
  about: 'Whether free memory has contiguous blocks as large as the SMC-R buffers.',
  facts: {
    buffer_type: 'the setting `net.smc.smcr_buf_type`',
    needed_bytes: 'size of a buffer',
    free_blocks: 'free pieces of that size',
  },
  run({ host: { root }, pass, warn, unknown }) {
    const buffers = readBuffers(root);
    if (!buffers.value) return [];
    const { send, receive } = buffers.value;
    const type = observeNow(() => readSysctl('net.smc.smcr_buf_type', root));
    const blocks = observeNow(() => readFreeBlocks(root));
    if ('why' in type || !blocks.value)
      return [
        unknown(null, 'the sizes of the free pieces of memory cannot be read', {
          reason: 'why' in type ? type.why : !blocks.value ? blocks.why : null,
        }),
      ];
    const needed = Math.max(send, receive);
    const order = Math.max(0, Math.ceil(Math.log2(needed / pageSize(root))));
    const free = blocks.value.slice(order).reduce((sum, count, above) => sum + count * 2 ** above, 0);
    const facts = { buffer_type: type.value ?? null, needed_bytes: needed, free_blocks: free };
    if (type.value === '1' || type.value === '2')
      return [pass(null, 'buffers of SMC-R need not be in one piece (net.smc.smcr_buf_type)', { facts })];
    const finding = `${free} free pieces of memory can hold a buffer of ${needed} bytes`;
    if (free > 0) return [pass(null, finding, { facts })];
    return [
      warn(null, finding, {
        reason:
          'an SMC-R buffer must be one piece of memory here; otherwise it becomes smaller than requested, or the connection falls back to TCP',
        fix: 'sysctl -w net.smc.smcr_buf_type=2',
        facts,
      }),
    ];
  },
});

/** What a program asks for with SO_SNDBUF and SO_RCVBUF is capped by net.core. */
export const bufferLimitCheck = defineCheck({
  id: 'buffer-limit',
  about: 'Whether `net.core.wmem_max` and `rmem_max` let programs request buffers as large as those of SMC.',
  facts: { limit_bytes: 'the limit', default_bytes: 'size of the buffers of SMC' },
  run(context) {
    const buffers = readBuffers(context.host.root);
    if (!buffers.value) return [];
    const { send, receive } = buffers.value;
    return [checkCoreLimit(context, 'send', send), checkCoreLimit(context, 'receive', receive)];
  },
});

function checkCoreLimit(
  { host: { root }, pass, warn, unknown }: CheckContext,
  side: 'send' | 'receive',
  bytes: number,
): Check {
  const [limit, setting, option] =
    side === 'send'
      ? ['net.core.wmem_max', 'net.smc.wmem', 'SO_SNDBUF']
      : ['net.core.rmem_max', 'net.smc.rmem', 'SO_RCVBUF'];
  const read = observeNow(() => readSysctl(limit, root));
  if (read.value === undefined)
    return unknown(limit, 'not visible', {
      reason: 'why' in read ? read.why : 'the kernel shows it in the initial network namespace only',
      facts: { limit_bytes: null, default_bytes: bytes },
    });
  const facts = { limit_bytes: Number(read.value), default_bytes: bytes };
  if (facts.limit_bytes >= bytes)
    return pass(limit, `${read.value} bytes, not below ${setting} (${bytes})`, { facts });
  return warn(limit, `${read.value} bytes, less than ${setting} (${bytes})`, {
    reason: `a program that sets ${option} gets a smaller buffer than one that does not set it`,
    fix: `sysctl -w ${limit}=${bytes}`,
    facts,
  });
}

/** Buffers that came out smaller than wanted since the last reset. */
export const smallerBuffersCheck = defineCheck({
  id: 'smaller-buffers',
  about: 'Buffers that are smaller than requested, counted like `fallbacks`.',
  facts: { since: RESET_TIME, downgraded: 'number of these buffers' },
  run({ host, warn }) {
    const { root, statistics } = host;
    if (!statistics.value || !readBuffers(root).value) return [];
    const { smcd, smcr } = statistics.value.statistics;
    const count = [smcd, smcr].reduce(
      (sum, { tx, rx }) => sum + tx.buffers.downgraded + rx.buffers.downgraded,
      0n,
    );
    if (count === 0n) return [];
    return [
      warn(null, `${count} buffers became smaller than requested ${sinceText(host)}`, {
        reason: 'no memory was free in pieces of that size',
        fix: `sysctl -w net.smc.smcr_buf_type=2, or free memory; ${COUNT_ANEW}`,
        facts: { since: resetTime(host) ?? null, downgraded: count },
      }),
    ];
  },
});
