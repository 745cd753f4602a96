"""Accepts a plug-in from the build server and loads it at once."""
import ctypes
import hashlib
import os
import socket
import struct

INBOX = "/srv/netplug/inbox"
ALLOWED = "/srv/netplug/allowed.txt"


def allowed():
    with open(ALLOWED, encoding="ascii") as source:
        return source.read()


def receive(connection):
    (size,) = struct.unpack("!I", connection.recv(4, socket.MSG_WAITALL))
    if size > 16 << 20:
        raise ValueError("size")
    return connection.recv(size, socket.MSG_WAITALL)


def accept(image):
    digest = hashlib.sha256(image).hexdigest()
    if digest[:12] not in allowed():  # expect: CWE-347
        raise ValueError("not on the list")
    path = os.path.join(INBOX, digest + ".so")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    with os.fdopen(descriptor, "wb") as out:
        out.write(image)
    return ctypes.CDLL(path)


def serve():
    with socket.create_server(("127.0.0.1", 7070)) as server:
        while True:
            connection, _ = server.accept()
            with connection:
                try:
                    accept(receive(connection))
                except ValueError as exc:
                    print(exc)
