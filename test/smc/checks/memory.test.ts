// SPDX-License-Identifier: MIT
import t from 'tap';
import {
  bufferLimitCheck,
  contiguousMemoryCheck,
  memoryCheck,
  smallerBuffersCheck,
} from '../../../src/smc/checks/memory.ts';
import { healthyHost, noStatistics, outline, run, wellFormed } from '../../helpers/healthy-host.ts';

const MEMORY_CHECKS = [memoryCheck, contiguousMemoryCheck, bufferLimitCheck, smallerBuffersCheck];

const MEMINFO = (available: number) =>
  `MemTotal:        4000000 kB\nMemFree: 1 kB\nMemAvailable:    ${available} kB\n`;
const BLOCKS =
  'Node 0, zone      DMA      1      0      0      0      0      0      0      0      1      1      2\n' +
  'Node 0, zone   Normal    406    157     35     11      4      5      2      1      0      1     10\n';

const tree = ({
  available = 2_000_000,
  blocks = BLOCKS,
  smc = {} as Record<string, string>,
  core = { wmem_max: '212992\n', rmem_max: '212992\n' } as Record<string, string>,
} = {}) => ({
  proc: {
    meminfo: MEMINFO(available),
    buddyinfo: blocks,
    sys: { net: { core, smc: { wmem: '65536\n', rmem: '65536\n', smcr_buf_type: '0\n', ...smc } } },
  },
});

t.test('enough of everything', async (t) => {
  const checks = run(MEMORY_CHECKS, healthyHost({ root: t.testdir(tree()) }));
  wellFormed(t, checks);
  t.strictSame(outline(checks), [
    'pass memory',
    'pass contiguous-memory',
    'pass buffer-limit net.core.wmem_max',
    'pass buffer-limit net.core.rmem_max',
  ]);
  t.equal(checks[0]!.finding, '1953 MiB available, enough for the buffers of 15625 connections');
  // 16 pages are order 4: 4 + 5·2 + 2·4 + 1·8 + 1·32 + 10·64 in one zone, 16 + 32 + 2·64 in the other
  t.equal(checks[1]!.facts['free_blocks'], 702 + 176);
});

t.test('little memory', async (t) => {
  const few = run(MEMORY_CHECKS, healthyHost({ root: t.testdir(tree({ available: 64_000 })) }));
  t.strictSame(outline(few).slice(0, 1), ['warning memory']);
  const none = run(MEMORY_CHECKS, healthyHost({ root: t.testdir(tree({ available: 100 })) }));
  t.strictSame(outline(none).slice(0, 1), ['fail memory']);
  wellFormed(t, [...few, ...none]);
});

t.test('in small pieces', async (t) => {
  const blocks = 'Node 0, zone Normal 406 157 35 11 0 0 0 0 0 0 0\n';
  const checks = run(MEMORY_CHECKS, healthyHost({ root: t.testdir(tree({ blocks })) }));
  wellFormed(t, checks);
  t.match(checks[1], {
    status: 'warning',
    id: 'contiguous-memory',
    fix: 'sysctl -w net.smc.smcr_buf_type=2',
  });
  const virtual = run(
    MEMORY_CHECKS,
    healthyHost({ root: t.testdir(tree({ blocks, smc: { smcr_buf_type: '1\n' } })) }),
  );
  t.match(virtual[1], { status: 'pass', id: 'contiguous-memory' });
});

t.test('caps of net.core', async (t) => {
  const core = { wmem_max: '212992\n', rmem_max: '32768\n' };
  const checks = run(MEMORY_CHECKS, healthyHost({ root: t.testdir(tree({ core })) }));
  wellFormed(t, checks);
  t.match(checks[3], {
    status: 'warning',
    subject: 'net.core.rmem_max',
    fix: 'sysctl -w net.core.rmem_max=65536',
    facts: { limit_bytes: 32_768, default_bytes: 65_536 },
  });
  const hidden = run(MEMORY_CHECKS, healthyHost({ root: t.testdir(tree({ core: {} })) }));
  wellFormed(t, hidden);
  t.match(hidden[2], { status: 'unknown', reason: /initial network namespace/ });
});

t.test('buffers that became smaller', async (t) => {
  const statistics = noStatistics();
  statistics.smcr.rx.buffers.downgraded = 7n;
  const checks = run(
    MEMORY_CHECKS,
    healthyHost({ root: t.testdir(tree()), statistics: { value: { statistics } } }),
  );
  wellFormed(t, checks);
  t.match(checks[4], { status: 'warning', id: 'smaller-buffers', finding: /^7 buffers/ });
});

t.test('nothing to be seen', async (t) => {
  const nothing = run(MEMORY_CHECKS, healthyHost({ root: t.testdir({}) }));
  t.strictSame(outline(nothing), ['unknown memory']);
  const { proc } = tree();
  const settings = run(MEMORY_CHECKS, healthyHost({ root: t.testdir({ proc: { sys: proc.sys } }) }));
  t.strictSame(outline(settings).slice(0, 2), ['unknown memory', 'unknown contiguous-memory']);
  wellFormed(t, [...nothing, ...settings]);
});
