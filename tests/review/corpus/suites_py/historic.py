"""Bugs with public fixes, told in our own words: each was a library that somebody else could choose."""

import _ctypes
import ctypes
import json
import os
import socket

SYSTEM = "/usr/lib/drivers"


def driver(name):
    """A video interface: the directories of drivers come from a variable, whoever the process runs as."""
    for folder in os.environ.get("VDRIVERS_PATH", SYSTEM).split(":"):
        path = os.path.join(folder, name + "_drv.so")
        if os.path.exists(path):
            return ctypes.CDLL(path)  # expect: CWE-73
    raise LookupError(name)


class Agent:
    """An agent: whoever reaches its socket names the provider of keys, by any path."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()

    def serve(self):
        connection, _ = self._socket.accept()
        with connection:
            message = json.loads(connection.recv(65536))
            provider = ctypes.CDLL(message["provider"])  # expect: CWE-114
            connection.sendall(b"ok" if provider._name else b"no")


class Module:
    """A daemon: a module whose start fails is unloaded, and stays in the list that is called."""

    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.module_init.restype = ctypes.c_int
        self.lib.module_init.argtypes = []

    def unload(self):
        _ctypes.dlclose(self.lib._handle)


MODULES = []


def add(path):
    module = Module(path)
    if module.lib.module_init() != 0:
        module.unload()
    MODULES.append(module)  # expect: CWE-672


def add_and_forget(path):
    module = Module(path)
    if module.lib.module_init() != 0:
        module.unload()
        MODULES.append(module)  # expect: CWE-672
