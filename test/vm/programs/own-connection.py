#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Connects to itself, sends so many bytes, and ends when its input does. Arguments: port, bytes. Prints its process ID when all
bytes have arrived. A line of its input is a number of further bytes; they are sent, and it prints the number.
"""
import os
import socket
import sys

server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
accepted = server.accept()[0]


def transfer(left):
    while left > 0:
        sent = client.send(bytes(min(left, 4096)))
        left -= sent
        while sent > 0:
            sent -= len(accepted.recv(sent))


transfer(int(sys.argv[2]))
print(os.getpid(), flush=True)
for line in sys.stdin:
    transfer(int(line))
    print(int(line), flush=True)
