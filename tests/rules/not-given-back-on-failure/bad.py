import contextlib
import ctypes
import importlib.util
import queue
import sys
from contextlib import contextmanager

lib = ctypes.CDLL("libscan.so.1")


class Scanner:
    def __init__(self):
        self.free = queue.Queue()

    @contextmanager
    def device(self, number):
        handle = lib.scan_open(number)
        if not handle:
            raise OSError(number)
        yield handle  # bad
        self.call("scan_close", handle)

    @contextlib.contextmanager
    def locked(self, device):
        with self.device(1) as one:
            key = lib.scan_lock(one)
            yield key  # bad
            self.call("scan_release", key)

    def call(self, name, *given):
        return getattr(lib, name)(*given)

    def page(self, number):
        device = self.free.get()
        text = lib.scan_page(device, number)  # bad
        self.free.put(device)
        return text


def plugin(name, path):
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)  # bad
    return module
