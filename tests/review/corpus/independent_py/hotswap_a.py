"""Reload a strategy library while the trading loop runs."""
import _ctypes
import ctypes
import os
import threading


class Strategy:
    def __init__(self, path):
        self.path = path
        self.stamp = 0
        self.lib = None
        self.decide = None
        threading.Thread(target=self.watch, daemon=True).start()

    def bind(self):
        self.lib = ctypes.CDLL(self.path)
        self.decide = self.lib.strategy_decide
        self.decide.argtypes = [ctypes.c_double, ctypes.c_double]
        self.decide.restype = ctypes.c_int

    def watch(self):
        while True:
            stamp = os.stat(self.path).st_mtime_ns
            if stamp != self.stamp:
                if self.lib is not None:
                    _ctypes.dlclose(self.lib._handle)  # expect: CWE-362
                self.bind()
                self.stamp = stamp

    def step(self, bid, ask):
        return self.decide(bid, ask)
