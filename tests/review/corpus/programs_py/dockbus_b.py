"""Control socket of the dock daemon: modules are loaded, called and dropped by command."""
import _ctypes
import ctypes
import json
import os
import signal
import socketserver
import threading
from pathlib import Path

MODULES = Path("/usr/lib/dockd/modules")
ALLOWED = {"fan", "led", "charge"}
INIT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)


class Module:
    def __init__(self, path):
        self.lib = ctypes.CDLL(os.fspath(path))
        self.lib.dock_init.argtypes = [ctypes.c_char_p]
        self.lib.dock_init.restype = ctypes.c_int
        self.lib.dock_poll.argtypes = []
        self.lib.dock_poll.restype = ctypes.c_int
        self.lib.dock_exit.argtypes = []
        self.lib.dock_exit.restype = None

    def drop(self):
        handle = self.lib._handle
        self.lib.dock_exit()
        _ctypes.dlclose(handle)
        self.lib = None


class State:
    def __init__(self):
        self.modules = {}
        self.lock = threading.Lock()

    def load(self, name):
        if name not in ALLOWED:
            raise ValueError(name)
        module = Module(MODULES / (name + ".so"))
        if module.lib.dock_init(name.encode()) != 0:
            module.drop()
            raise ValueError(f"{name}: init")
        with self.lock:
            self.modules[name] = module

    def poll(self):
        self.lock.acquire()
        try:
            return sum(module.lib.dock_poll() for module in self.modules.values())
        finally:
            self.lock.release()


STATE = State()


def _reload(_signum, _frame):
    _WANTED.set()


_WANTED = threading.Event()
signal.signal(signal.SIGHUP, _reload)


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline(4096)
        try:
            message = json.loads(line)
            if message["op"] == "load":
                STATE.load(message["module"])
                self.wfile.write(b"ok\n")
            else:
                self.wfile.write(b"%d\n" % STATE.poll())
        except (ValueError, KeyError, OSError) as exc:
            self.wfile.write(f"error {exc}\n".encode())


if __name__ == "__main__":
    with socketserver.ThreadingUnixStreamServer("/run/dockd.sock", Handler) as server:
        server.serve_forever()
