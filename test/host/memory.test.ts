// SPDX-License-Identifier: MIT
import t from 'tap';
import { pageSize, readFreeBlocks, readMemory } from '../../src/host/memory.ts';

t.test('memory', async (t) => {
  const root = t.testdir({ proc: { meminfo: 'MemTotal:  10 kB\nMemAvailable: 4 kB\n' } });
  t.strictSame(readMemory(root), { total: 10_240, available: 4096 });
  t.throws(() => readMemory(t.testdir({})), { code: 'ENOENT' });
  const own = readMemory('/');
  t.ok(own.available > 0 && own.available <= own.total, 'this machine');
});

t.test('free blocks of all zones and nodes', async (t) => {
  const buddyinfo = 'Node 0, zone      DMA      1      2\nNode 1, zone   Normal     10     20     30\n';
  t.strictSame(readFreeBlocks(t.testdir({ proc: { buddyinfo } })), [11, 22, 30]);
  t.throws(() => readFreeBlocks(t.testdir({})), { code: 'ENOENT' });
});

t.test('page size', async (t) => {
  const smaps = 'Size: 8 kB\nKernelPageSize:       64 kB\nMMUPageSize: 4 kB\n';
  t.equal(pageSize(t.testdir({ proc: { self: { smaps } } })), 65_536);
  t.equal(pageSize(t.testdir({})), 4096);
  t.ok(Math.log2(pageSize('/')) >= 12, 'this machine');
});
