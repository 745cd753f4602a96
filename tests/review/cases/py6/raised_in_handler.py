"""Seats of a server: whatever leaves a handler or an else gives them back where a finally does."""

import ctypes
import threading

host = ctypes.CDLL("/usr/lib/seatd/libseatd.so.1")
host.sd_serve.argtypes = [ctypes.c_int]
host.sd_serve.restype = ctypes.c_int


class Server:
    def __init__(self, seats):
        self.seats = threading.BoundedSemaphore(seats)
        self.table = threading.Lock()

    def serve(self, guest):
        if not self.seats.acquire(blocking=False):
            return -1  #! none
        try:
            return host.sd_serve(guest)
        finally:
            self.seats.release()

    def serve_soon(self, guest):
        got = self.table.acquire(timeout=2)
        if not got:
            return -1  #! none
        try:
            return host.sd_serve(guest)
        finally:
            self.table.release()

    def serve_if_free(self, guest):
        if self.table.acquire(False):
            try:
                return host.sd_serve(guest)
            finally:
                self.table.release()
        return -1  #! none


class Guest:
    """Its server is another object's."""

    def __init__(self, server, log):
        self.server = server
        self.log = log

    def enter(self, door):
        if not self.server.seats.acquire(timeout=2):
            return -1  #! none
        try:
            return host.sd_serve(door)
        except OSError as exc:
            self.log.info("door %d: %s", door, exc)  #! none
        else:
            self.log.info("door %d", door)  #! none
        finally:
            self.server.seats.release()
        return -2

    def enter_noted(self, door):
        self.server.seats.acquire()
        try:  #! CWE-667
            result = host.sd_serve(door)
        except OSError as exc:
            self.log.info("door %d: %s", door, exc)
            result = -2
        self.server.seats.release()
        return result

    def enter_early(self, door):
        if not self.server.seats.acquire(blocking=False):
            return -1  #! none
        if door < 0:
            return -2  #! CWE-667
        result = host.sd_serve(door)
        self.server.seats.release()
        return result
