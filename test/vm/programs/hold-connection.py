# SPDX-License-Identifier: MIT
"""Connects to a port of 127.0.0.1, says so, and stays until it is ended."""
import signal
import socket
import sys

connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("connected", flush=True)
signal.pause()
