// SPDX-License-Identifier: MIT
// Both ends of a TCP connection over the loopback. Prints "same" when the data came back unchanged.
import { randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';

const listener = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1', () => {
  const sent = randomBytes(200_000);
  const received = [];
  const socket = connect(listener.address().port, '127.0.0.1', () => socket.write(sent));
  socket.on('data', (chunk) => {
    received.push(chunk);
    const all = Buffer.concat(received);
    if (all.length < sent.length) return;
    console.log(all.equals(sent) ? 'same' : 'different');
    socket.end();
    listener.close();
  });
});
