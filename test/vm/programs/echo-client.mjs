// SPDX-License-Identifier: MIT
// Sends pseudo-random bytes to an echo server, checks what comes back, then keeps the connection open until its
// standard input ends. Arguments: port, address, number of bytes. Prints "same <sha256>" or "different".
import { createHash } from 'node:crypto';
import { connect } from 'node:net';

const [port, address, size] = [
  Number(process.argv[2]),
  process.argv[3] ?? '127.0.0.1',
  Number(process.argv[4] ?? 1e6),
];
const sent = createHash('sha256');
const received = createHash('sha256');
let state = 42;
let left = size;
let missing = size;

const socket = connect(port, address, () => {
  const send = () => {
    while (left > 0) {
      const chunk = Buffer.alloc(Math.min(left, 30_000));
      for (let i = 0; i < chunk.length; i++) {
        state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
        chunk[i] = state >> 16;
      }
      left -= chunk.length;
      sent.update(chunk);
      if (!socket.write(chunk)) return void socket.once('drain', send);
    }
  };
  send();
});
socket.on('data', (chunk) => {
  received.update(chunk);
  missing -= chunk.length;
  if (missing > 0) return;
  const digest = sent.digest('hex');
  console.log(received.digest('hex') === digest ? `same ${digest}` : 'different');
  process.stdin.resume().on('end', () => socket.end());
});
socket.on('error', (error) => {
  console.log(`error ${error.message}`);
  process.exitCode = 1;
});
