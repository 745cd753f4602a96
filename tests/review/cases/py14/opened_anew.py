"""A device that is opened anew before it is used, numbers wrapped at the call, and what one thread counts alone."""

import ctypes
import os
import socketserver
import threading

Size = ctypes.c_ulong
card = ctypes.CDLL("libcard.so.2")


class Device:
    def __init__(self):
        self.fd = -1

    def use(self):
        self.fd = os.open("/dev/card0", os.O_RDWR)
        os.set_blocking(self.fd, False)  #! none CWE-910

    def size(self):
        return os.fstat(self.fd).st_size  #! CWE-910

    def close(self):
        os.close(self.fd)


def enter(handle, pin):
    code = card.card_enter(handle, Size(1), pin, Size(len(pin)))  #! none CWE-686
    if code != 0:
        raise OSError(code)


def leave(handle, rounds):
    code = card.card_leave(handle, rounds)  #! CWE-686
    if code != 0:
        raise OSError(code)


class Reader:
    def __init__(self):
        self.lock = threading.Lock()
        self.last = None
        self.rounds = 0

    def read(self):
        while True:
            self._one()

    def _one(self):
        self.rounds += 1  #! none CWE-567
        with self.lock:
            self.last = card.card_poll()


class Readers:
    def __init__(self):
        self.lock = threading.Lock()
        self.last = None
        self.rounds = 0

    def read(self):
        while True:
            self._one()

    def _one(self):
        self.rounds += 1  #! CWE-567
        with self.lock:
            self.last = card.card_poll()


def start():
    one = Reader()
    threading.Thread(target=one.read).start()
    several = Readers()
    for _ in range(4):
        threading.Thread(target=several.read).start()


def serve(handler):
    server = socketserver.UnixStreamServer("/run/card.sock", handler)
    os.chmod("/run/card.sock", 0o660)  #! none CWE-732
    server.serve_forever()


def serve_all(handler):
    server = socketserver.UnixStreamServer("/run/card.sock", handler)
    os.chmod("/run/card.sock", 0o777)  #! CWE-732
    server.serve_forever()
