#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens many AF_SMC sockets and keeps them until it is killed. Argument: how many."""
import resource
import signal
import socket
import sys

COUNT = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (COUNT + 100, COUNT + 100))
held = [socket.socket(43, socket.SOCK_STREAM, 0) for _ in range(COUNT)]
signal.pause()
