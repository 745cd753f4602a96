"""Handles that are given back under a thread: of a pool, of a class of its own, and waited for."""

import asyncio
import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor

lib = ctypes.CDLL("/opt/bus/libbus.so.1")
lib.bus_open.restype = ctypes.c_void_p
lib.bus_poll.argtypes = [ctypes.c_void_p]
lib.bus_close.argtypes = [ctypes.c_void_p]


class Pooled:
    def __init__(self, pool: ThreadPoolExecutor):
        self.handle = lib.bus_open()
        pool.submit(self._run)

    def _run(self):
        while True:
            lib.bus_poll(self.handle)

    def close(self):
        lib.bus_close(self.handle)  # bad
        self.handle = None


class Reader(threading.Thread):
    def __init__(self):
        super().__init__()
        self.handle = lib.bus_open()

    def run(self):
        while True:
            lib.bus_poll(self.handle)

    def close(self):
        lib.bus_close(self.handle)  # bad
        self.handle = None


class Looped:
    def __init__(self, loop):
        self.handle = lib.bus_open()
        self.future = loop.run_in_executor(None, self._run)

    def _run(self):
        while True:
            lib.bus_poll(self.handle)

    def close(self):
        lib.bus_close(self.handle)  # bad
        self.handle = None


class Awaited:
    def __init__(self):
        self.handle = lib.bus_open()

    async def poll(self):
        await asyncio.to_thread(self._poll)

    def _poll(self):
        lib.bus_poll(self.handle)

    def close(self):
        lib.bus_close(self.handle)
        self.handle = None
