#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Connects to itself and sends 1000 bytes every hundredth of a second at most, until it is killed. Argument: port. Prints a
line when the first bytes have arrived.
"""
import socket
import sys
import time

server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
accepted = server.accept()[0]
is_first = True
while True:
    client.sendall(bytes(1000))
    left = 1000
    while left > 0:
        left -= len(accepted.recv(left))
    if is_first:
        print("sending", flush=True)
    is_first = False
    time.sleep(0.01)
