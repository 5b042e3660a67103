#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Makes one connection without data, and closes it. Ends with 0 if it was over SMC, else prints what it was. It connects to
itself, or to the server of SMC at ADDRESS PORT, if these are given.
"""
import socket
import sys

SO_DOMAIN = 39
AF_SMC = 43


def family(end):
    # a socket that has fallen back is one of TCP
    return "SMC" if end.getsockopt(socket.SOL_SOCKET, SO_DOMAIN) == AF_SMC else "TCP"


if len(sys.argv) > 1:
    ends = [socket.create_connection((sys.argv[1], int(sys.argv[2])))]
else:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        ends = [client, server.accept()[0]]
families = [family(end) for end in ends]
print("client and server:" if len(ends) > 1 else "client:", *families)
sys.exit(families != ["SMC"] * len(ends))
