#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens connections and keeps them until it is killed. Arguments: port, how many. Prints a line when all are open."""
import signal
import socket
import sys

held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
print("connected", flush=True)
signal.pause()
