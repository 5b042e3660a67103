# SPDX-License-Identifier: MIT
# Both ends of a TCP connection over the loopback. Prints "same" when the data came back unchanged.
import random
import socket
import threading

listener = socket.create_server(("127.0.0.1", 0))


def serve():
    connection, _ = listener.accept()
    with connection:
        while data := connection.recv(10000):
            connection.sendall(data)


server = threading.Thread(target=serve)
server.start()
with socket.create_connection(listener.getsockname()) as connection:
    for _ in range(20):
        sent = random.randbytes(10000)
        connection.sendall(sent)
        received = b""
        while len(received) < len(sent):
            received += connection.recv(len(sent) - len(received))
        assert sent == received
server.join()
print("same")
