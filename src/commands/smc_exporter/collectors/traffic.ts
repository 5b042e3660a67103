// SPDX-License-Identifier: MIT
/** What went over SMC connections, and what became of their buffers. */
import { type DirectionStatistics, SIZE_CLASSES } from '../../../smc/statistics.ts';
import { counter, gauge, histogram, type Samples, type SizeClass } from '../metric.ts';
import { defineCollector } from './collector.ts';

const BY_DIRECTION = ['technology', 'direction'] as const;
const BY_SIDE = ['technology', 'direction', 'side'] as const;

const bytes = counter({
  name: 'smc_traffic_bytes_total',
  help: 'Bytes that programs sent and received over SMC.',
  labels: BY_DIRECTION,
});

const requests = counter({
  name: 'smc_requests_total',
  help: 'Calls of programs that send or receive. Of those that send, calls that failed count, too.',
  labels: BY_DIRECTION,
});

const requestSizes = histogram({
  name: 'smc_request_size_bytes',
  help: 'Calls that moved data, by the size that they asked for. The sum is of the bytes that were moved, which can be fewer.',
  labels: BY_DIRECTION,
});

const bufferSizes = histogram({
  name: 'smc_buffer_size_bytes',
  help: 'Buffers handed to connections, by size. The kernel has no sum of them.',
  labels: BY_DIRECTION,
});

const bufferUsage = gauge({
  name: 'smc_buffers_in_use_bytes',
  help: 'Memory of the buffers that connections have at the moment. Since Linux 6.12.',
  labels: BY_DIRECTION,
});

const tooSmall = counter({
  name: 'smc_buffer_too_small_total',
  help: 'Calls whose size was larger than the whole buffer, of this host (own) or of the peer.',
  labels: BY_SIDE,
});

const full = counter({
  name: 'smc_buffer_full_total',
  help: 'Calls that found the buffer full, of this host (own) or of the peer.',
  labels: BY_SIDE,
});

const reused = counter({
  name: 'smc_buffers_reused_total',
  help: 'Buffers that were taken from the pool.',
  labels: BY_DIRECTION,
});

const allocated = counter({
  name: 'smc_buffers_allocated_total',
  help: 'Buffers that were newly made.',
  labels: BY_DIRECTION,
});

const downgraded = counter({
  name: 'smc_buffers_downgraded_total',
  help: 'Buffers that are smaller than wanted, because memory was short.',
  labels: BY_DIRECTION,
});

const calls = counter({
  name: 'smc_special_calls_total',
  help: 'Special calls of programs: sendpage, urgent_data, splice, cork and nodelay.',
  labels: ['technology', 'call'],
});

export const traffic = defineCollector({
  name: 'traffic',
  about: 'Bytes, calls and buffers of SMC connections, counted by the kernel as those of handshakes are.',
  onByDefault: true,
  needs: ['statistics'],
  metrics: [
    bytes,
    requests,
    requestSizes,
    bufferSizes,
    bufferUsage,
    tooSmall,
    full,
    reused,
    allocated,
    downgraded,
    calls,
  ],
  collect({ statistics: counted }, samples) {
    if (!counted) return;
    const { statistics } = counted;
    for (const technology of ['smcr', 'smcd'] as const) {
      const { tx, rx, calls: special } = statistics[technology];
      addDirection(samples, tx, { technology, direction: 'tx' });
      addDirection(samples, rx, { technology, direction: 'rx' });
      samples.add(calls, special.sendpage, { technology, call: 'sendpage' });
      samples.add(calls, special.urgentData, { technology, call: 'urgent_data' });
      samples.add(calls, special.splice, { technology, call: 'splice' });
      samples.add(calls, special.cork, { technology, call: 'cork' });
      samples.add(calls, special.nodelay, { technology, call: 'nodelay' });
    }
  },
});

function addDirection(
  samples: Samples,
  counted: DirectionStatistics,
  labels: { technology: string; direction: string },
): void {
  const { buffers } = counted;
  samples.add(bytes, counted.bytes, labels);
  samples.add(requests, counted.requests, labels);
  samples.addHistogram(requestSizes, classes(counted.requestSizes), counted.bytes, labels);
  samples.addHistogram(bufferSizes, classes(counted.bufferSizes), undefined, labels);
  samples.add(bufferUsage, counted.usageBytes, labels);
  samples.add(tooSmall, buffers.tooSmall, { ...labels, side: 'own' });
  samples.add(tooSmall, buffers.tooSmallPeer, { ...labels, side: 'peer' });
  samples.add(full, buffers.full, { ...labels, side: 'own' });
  samples.add(full, buffers.fullPeer, { ...labels, side: 'peer' });
  samples.add(reused, buffers.reused, labels);
  samples.add(allocated, buffers.allocated, labels);
  samples.add(downgraded, buffers.downgraded, labels);
}

/** The limits are 8 KiB and its doubles; the last class has none. */
const classes = (counts: readonly bigint[]): SizeClass[] =>
  SIZE_CLASSES.map((_, at) => ({
    upTo: at < SIZE_CLASSES.length - 1 ? 8192 * 2 ** at : undefined,
    count: counts[at] ?? 0n,
  }));
