#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Traffic at the pace of Prometheus, which scrapes this program as it scrapes smc_exporter. Argument: port, on 127.0.0.1.

/open/NAME      opens a connection over SMC and keeps it; NAME is a label of the metrics
/fall           makes connections that fall back to TCP, and keeps them
/traffic/N      at each of the next N scrapes, data goes over all connections of /open, and connections fall back
/scrapes/N      is answered after N more scrapes
/metrics        the bytes that were sent, at both ends together, and whether the traffic has ended, with the time
"""
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# of Linux 6.11; Python knows no addresses of AF_SMC
SMC = 256
TCP = socket.IPPROTO_TCP
CHUNK = bytes(range(250)) * 64
TIMES = 8


def listener(protocol):
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    one.bind(("127.0.0.1", 0))
    one.listen()
    return one


def receive(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


LISTENERS = {protocol: listener(protocol) for protocol in (SMC, TCP)}


def pair(client_protocol, server_protocol):
    """Both ends of a connection over which a byte has gone."""
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, client_protocol)
    client.connect(LISTENERS[server_protocol].getsockname())
    server, _ = LISTENERS[server_protocol].accept()
    client.sendall(b"x")
    receive(server, 1)
    return client, server


# two with a server that does not know SMC, one with a client that does not, and one that has no enterprise ID to offer
FALLBACKS = [(SMC, TCP), (SMC, TCP), (TCP, SMC), (SMC, SMC)]

opened = {}
sent = {}
held = []
scrapes = 0
left = 0
ended = 0.0
changed = threading.Condition()


def move(name):
    for one, other in (opened[name], opened[name][::-1]):
        for _ in range(TIMES):
            one.sendall(CHUNK)
            if receive(other, len(CHUNK)) != CHUNK:
                raise ValueError("the data changed on its way")
            sent[name] += len(CHUNK)


def scraped():
    global scrapes, left, ended
    if left > 0:
        for name in opened:
            move(name)
        for protocols in FALLBACKS:
            for end in pair(*protocols):
                end.close()
        left -= 1
        if left == 0:
            ended = time.time()
    scrapes += 1
    changed.notify_all()
    lines = [f'test_sent_bytes_total{{technology="{name}"}} {count}' for name, count in sent.items()]
    return "\n".join([*lines, f"test_ended_time_seconds {ended}", ""])


def answer(path):
    global left
    _, what, *words = path.split("/")
    if what == "metrics":
        return scraped()
    if what == "open":
        [name] = words
        opened[name] = pair(SMC, SMC)
        sent[name] = 1
    if what == "fall":
        held.extend(pair(*protocols) for protocols in FALLBACKS)
    if what == "traffic":
        left = int(words[0])
    if what == "scrapes":
        wanted = scrapes + int(words[0])
        changed.wait_for(lambda: scrapes >= wanted)
    return "ok\n"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with changed:
            text = answer(self.path).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("listening", flush=True)
server.serve_forever()
