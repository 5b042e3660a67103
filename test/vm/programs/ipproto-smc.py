#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A connection of sockets opened with IPPROTO_SMC (Linux 6.11), held until the program is killed. Prints a
line when it is there. Argument: port."""
import signal
import socket
import sys

IPPROTO_SMC = 256
ADDRESS = ('127.0.0.1', int(sys.argv[1]))

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_SMC)
listener.bind(ADDRESS)
listener.listen()
client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_SMC)
client.connect(ADDRESS)
child, _ = listener.accept()
print('connected', flush=True)
signal.pause()
