#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds an SMC enterprise ID (ADD_UEID of the family SMC_GEN_NETLINK), with nothing of the suite under test."""
import socket
import struct
import sys


def message(kind, sequence, payload):
    return struct.pack('=IHHII', 16 + len(payload), kind, 0x5, sequence, 0) + payload


def attribute(number, data):
    return struct.pack('=HH', 4 + len(data), number) + data + b'\0' * (-len(data) % 4)


with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as netlink:
    netlink.bind((0, 0))
    netlink.send(message(16, 1, b'\3\1\0\0' + attribute(2, b'SMC_GEN_NETLINK\0')))
    reply = netlink.recv(65536)
    netlink.recv(65536)  # acknowledgement
    at = reply.index(struct.pack('=HH', 6, 1))
    family = struct.unpack_from('=H', reply, at + 4)[0]
    netlink.send(message(family, 2, b'\12\1\0\0' + attribute(1, sys.argv[1].encode().ljust(32) + b'\0')))
    errno = -struct.unpack_from('=i', netlink.recv(65536), 16)[0]
    sys.exit(0 if errno in (0, 17) else f'ADD_UEID: errno {errno}')
