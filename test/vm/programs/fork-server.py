#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
A server whose processes share one listening socket. Argument: port. Prints a line when it listens, and one for each
connection that is accepted. The third connection and later ones are never accepted.
"""
import os
import signal
import socket
import sys

server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", os.getpid(), flush=True)
for _ in range(2):
    if os.fork() == 0:
        connection = server.accept()[0]
        print("accepted", os.getpid(), connection.fileno(), flush=True)
        signal.pause()
signal.pause()
