// SPDX-License-Identifier: MIT
import t from 'tap';
import { tcpTable } from '../../src/host/tcp-table.ts';

const rest = '00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 100 0 0 10 0\n';
const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

t.test('a long table, in pieces', async (t) => {
  // more than one piece is read, and pieces end within lines
  const COUNT = 3000;
  const rows = Array.from(
    { length: COUNT },
    (_, at) =>
      `${String(at).padStart(4)}: 0100007F:${(at + 1).toString(16).toUpperCase().padStart(4, '0')} 0200000A:01BB 01 ${rest}`,
  );
  const hostRoot = t.testdir({ proc: { net: { tcp: head + rows.join('') } } });
  const seen = [...tcpTable('tcp', hostRoot, 'LE')];
  t.equal(seen.length, COUNT);
  t.strictSame(
    seen.map(({ sourcePort }) => sourcePort),
    Array.from({ length: COUNT }, (_, at) => at + 1),
  );
  t.strictSame([...seen.at(-1)!.source.subarray(0, 4)], [127, 0, 0, 1]);
  t.strictSame([...seen.at(-1)!.destination.subarray(0, 4)], [10, 0, 0, 2]);
  t.match(seen[0], { state: 1, destinationPort: 443 });
});

t.test('IPv6 in either byte order', async (t) => {
  const bytes = Buffer.from('fe800000000000000202c9fffe000001', 'hex');
  const row = (address: Buffer): string =>
    `${head}   0: ${address.toString('hex').toUpperCase()}:0050 ${'0'.repeat(32)}:0000 0A ${rest}`;
  for (const [order, words] of [
    ['BE', bytes],
    ['LE', Buffer.from(bytes).swap32()],
  ] as const) {
    const hostRoot = t.testdir({ proc: { net: { tcp6: row(words) } } });
    const [only] = [...tcpTable('tcp6', hostRoot, order)];
    t.strictSame(Buffer.from(only!.source), bytes, order);
    t.equal(only!.state, 10);
  }
});

t.test('what is no table', async (t) => {
  const hostRoot = t.testdir({ proc: { net: { tcp: 'junk\n   0: 01:2 3:4 5\n' } } });
  t.strictSame([...tcpTable('tcp', hostRoot)], []);
  t.throws(() => [...tcpTable('tcp6', hostRoot)], { code: 'ENOENT', path: '/proc/net/tcp6' });
});
