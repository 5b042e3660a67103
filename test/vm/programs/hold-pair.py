#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Both ends of a connection over 127.0.0.1, held until the program is killed. Argument: port."""
import signal
import socket
import sys

port = int(sys.argv[1])
listener = socket.create_server(("127.0.0.1", port))
client = socket.create_connection(("127.0.0.1", port))
server, _ = listener.accept()
client.sendall(b"x")
server.recv(1)
print("connected", flush=True)
signal.pause()
