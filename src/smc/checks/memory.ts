// SPDX-License-Identifier: MIT
import { pageSize, readFreeBlocks, readMemory } from '../../host/memory.ts';
import { readSysctl } from '../../host/sysctl.ts';
import type { Host } from '../host.ts';
import { type Observed, observeNow } from '../observed.ts';
import { type Check, check } from './check.ts';
import { COUNT_ANEW, sinceText } from './statistics.ts';

/** A host that has room for fewer connections than that is short of memory. */
const FEW_CONNECTIONS = 1000;

interface Buffers {
  send: number;
  receive: number;
}

/** Memory for the buffers of connections: enough of it, in large enough pieces, and as large as programs ask for. */
export function checkMemory(host: Host): Check[] {
  const { root } = host;
  const buffers = readBuffers(root);
  if (!buffers.value)
    return [
      check('unknown', 'memory', null, 'the buffer sizes of SMC cannot be read', { reason: buffers.why }),
    ];
  return [
    checkRoom(root, buffers.value),
    checkPieces(root, buffers.value),
    ...(['send', 'receive'] as const).map((side) => checkCoreLimit(root, side, buffers.value[side])),
    ...checkDowngraded(host),
  ];
}

function readBuffers(root: string): Observed<Buffers> {
  const sizes = observeNow(() => ['wmem', 'rmem'].map((name) => readSysctl(`net.smc.${name}`, root)));
  if (!sizes.value) return sizes;
  const [send, receive] = sizes.value;
  if (send === undefined || receive === undefined)
    return { why: 'there are no settings net.smc.wmem and net.smc.rmem' };
  return { value: { send: Number(send), receive: Number(receive) } };
}

function checkRoom(root: string, { send, receive }: Buffers): Check {
  const memory = observeNow(() => readMemory(root));
  if (!memory.value)
    return check('unknown', 'memory', null, 'the free memory cannot be read', { reason: memory.why });
  const { total, available } = memory.value;
  const connections = Math.floor(available / (send + receive));
  const facts = {
    available_bytes: available,
    total_bytes: total,
    connection_bytes: send + receive,
    connections,
  };
  const finding = `${mebibytes(available)} MiB available, enough for the buffers of ${connections} connections`;
  if (connections >= FEW_CONNECTIONS) return check('pass', 'memory', null, finding, { facts });
  return check(connections === 0 ? 'fail' : 'warning', 'memory', null, finding, {
    reason: 'a connection that gets no buffer falls back to TCP (0x01010000, MEM)',
    fix: 'free memory, or make new buffers smaller: sysctl -w net.smc.wmem=65536 net.smc.rmem=65536',
    facts,
  });
}

const mebibytes = (bytes: number): number => Math.floor(bytes / 1_048_576);

/** Buffers of SMC-R that must be in one piece need free blocks of their size. */
function checkPieces(root: string, { send, receive }: Buffers): Check {
  const id = 'contiguous-memory';
  const type = observeNow(() => readSysctl('net.smc.smcr_buf_type', root));
  const blocks = observeNow(() => readFreeBlocks(root));
  if ('why' in type || !blocks.value)
    return check('unknown', id, null, 'the sizes of the free pieces of memory cannot be read', {
      reason: 'why' in type ? type.why : !blocks.value ? blocks.why : null,
    });
  const needed = Math.max(send, receive);
  const order = Math.max(0, Math.ceil(Math.log2(needed / pageSize(root))));
  const free = blocks.value.slice(order).reduce((sum, count, above) => sum + count * 2 ** above, 0);
  const facts = { buffer_type: type.value ?? null, needed_bytes: needed, free_blocks: free };
  if (type.value === '1' || type.value === '2')
    return check('pass', id, null, 'buffers of SMC-R need not be in one piece (net.smc.smcr_buf_type)', {
      facts,
    });
  const finding = `${free} free pieces of memory can hold a buffer of ${needed} bytes`;
  if (free > 0) return check('pass', id, null, finding, { facts });
  return check('warning', id, null, finding, {
    reason:
      'an SMC-R buffer must be one piece of memory here; otherwise it becomes smaller than requested, or the connection falls back to TCP',
    fix: 'sysctl -w net.smc.smcr_buf_type=2',
    facts,
  });
}

/** What a program asks for with SO_SNDBUF and SO_RCVBUF is capped by net.core. */
function checkCoreLimit(root: string, side: 'send' | 'receive', bytes: number): Check {
  const [limit, setting, option] =
    side === 'send'
      ? ['net.core.wmem_max', 'net.smc.wmem', 'SO_SNDBUF']
      : ['net.core.rmem_max', 'net.smc.rmem', 'SO_RCVBUF'];
  const read = observeNow(() => readSysctl(limit, root));
  if (read.value === undefined)
    return check('unknown', 'buffer-limit', limit, 'not visible', {
      reason: 'why' in read ? read.why : 'the kernel shows it in the initial network namespace only',
      facts: { limit_bytes: null, default_bytes: bytes },
    });
  const facts = { limit_bytes: Number(read.value), default_bytes: bytes };
  if (facts.limit_bytes >= bytes)
    return check('pass', 'buffer-limit', limit, `${read.value} bytes, not below ${setting} (${bytes})`, {
      facts,
    });
  return check('warning', 'buffer-limit', limit, `${read.value} bytes, less than ${setting} (${bytes})`, {
    reason: `a program that sets ${option} gets a smaller buffer than one that does not set it`,
    fix: `sysctl -w ${limit}=${bytes}`,
    facts,
  });
}

/** Buffers that came out smaller than wanted since the last reset. */
function checkDowngraded({ statistics, isInitialNamespace }: Host): Check[] {
  if (!statistics.value) return [];
  const { smcd, smcr } = statistics.value.statistics;
  const resetTime = statistics.value.baseline?.time;
  const count = [smcd, smcr].reduce(
    (sum, { tx, rx }) => sum + tx.buffers.downgraded + rx.buffers.downgraded,
    0n,
  );
  if (count === 0n) return [];
  return [
    check(
      'warning',
      'smaller-buffers',
      null,
      `${count} buffers became smaller than requested ${sinceText({ resetTime, isInitialNamespace })}`,
      {
        reason: 'no memory was free in pieces of that size',
        fix: `sysctl -w net.smc.smcr_buf_type=2, or free memory; ${COUNT_ANEW}`,
        facts: { since: resetTime ?? null, downgraded: count },
      },
    ),
  ];
}
