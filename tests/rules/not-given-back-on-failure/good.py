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
        self.jobs = queue.Queue()

    @contextmanager
    def device(self, number):
        handle = lib.scan_open(number)
        try:
            yield handle
        finally:
            lib.scan_close(handle)

    @contextmanager
    def timed(self, log):
        began = lib.scan_clock()
        yield began
        log.info("took %d", lib.scan_clock() - began)

    @contextmanager
    def in_one(self, number):
        with self.device(number) as handle:
            yield handle

    @contextlib.contextmanager
    def stacked(self, number):
        with contextlib.ExitStack() as stack:
            handle = lib.scan_open(number)
            stack.callback(lib.scan_close, handle)
            yield handle

    def page(self, number):
        device = self.free.get()
        try:
            return lib.scan_page(device, number)
        finally:
            self.free.put(device)

    def work(self):
        while True:
            job = self.jobs.get()
            print(job.title)
            self.jobs.task_done()

    def swap(self):
        device = self.free.get()
        self.free.put(device)


def plugin(name, path):
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def last(name, path):
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module
    return module
