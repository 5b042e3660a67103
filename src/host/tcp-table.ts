// SPDX-License-Identifier: MIT
/** TCP sockets from /proc/net/tcp and tcp6, for kernels that cannot list them by netlink (no module tcp_diag). */
import { closeSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { atPath } from './host-file.ts';

export interface TcpRow {
  /** TCP_* of the kernel: 1 ESTABLISHED … 10 LISTEN */
  state: number;
  /** 16 bytes in network order; an IPv4 address uses the first four */
  source: Uint8Array;
  destination: Uint8Array;
  sourcePort: number;
  destinationPort: number;
}

const CHUNK_SIZE = 65_536;

/** `  sl  local_address rem_address   st …`, addresses and ports in hexadecimal */
const ROW = /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) /;

/**
 * The rows of one address family, read in pieces, because the table may be too large to keep in memory.
 * @param order byte order of the kernel that wrote the table: it prints addresses as 32-bit numbers in its own byte order
 * @throws Node's own error, also for tcp6 on a host without IPv6
 */
export function* tcpTable(
  family: 'tcp' | 'tcp6',
  root: string,
  order: 'LE' | 'BE' = endianness(),
): Generator<TcpRow> {
  const fd = atPath(`proc/net/${family}`, root, (file) => openSync(file, 'r'));
  try {
    const buffer = Buffer.alloc(CHUNK_SIZE);
    let rest = '';
    for (;;) {
      const length = readSync(fd, buffer);
      const lines = (rest + buffer.toString('latin1', 0, length)).split('\n');
      rest = length === 0 ? '' : lines.pop()!;
      for (const line of lines) {
        const [, source, sourcePort = '', destination, destinationPort = '', state = ''] =
          ROW.exec(line) ?? [];
        if (source === undefined || destination === undefined) continue;
        yield {
          state: Number.parseInt(state, 16),
          source: addressOf(source, order),
          destination: addressOf(destination, order),
          sourcePort: Number.parseInt(sourcePort, 16),
          destinationPort: Number.parseInt(destinationPort, 16),
        };
      }
      if (length === 0) return;
    }
  } finally {
    closeSync(fd);
  }
}

function addressOf(hex: string, order: 'LE' | 'BE'): Uint8Array {
  const words = Buffer.from(hex, 'hex');
  const address = new Uint8Array(16);
  address.set(order === 'LE' ? words.swap32() : words);
  return address;
}
