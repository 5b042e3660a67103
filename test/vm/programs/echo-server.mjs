// SPDX-License-Identifier: MIT
// Echoes what each client sends. Arguments: port, address.
import { createServer } from 'node:net';

createServer((socket) => socket.pipe(socket)).listen(Number(process.argv[2]), process.argv[3] ?? '127.0.0.1');
