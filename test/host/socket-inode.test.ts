// SPDX-License-Identifier: MIT
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { socketInode } from '../../src/host/socket-inode.ts';

t.test('a socket has one, a file has none', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const port = (server.address() as AddressInfo).port.toString(16).toUpperCase().padStart(4, '0');
  const [line = ''] = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .filter((row) => row.includes(`0100007F:${port} 00000000:0000`));
  t.equal(socketInode(fd), BigInt(line.trim().split(/\s+/)[9] ?? -1), 'the one that /proc/net/tcp shows');
  await new Promise((resolve) => server.close(resolve));

  const file = openSync('/proc/self/status', 'r');
  t.equal(socketInode(file), undefined);
  closeSync(file);
  t.equal(socketInode(file), undefined, 'closed');
  t.equal(socketInode(-1), undefined);
});
