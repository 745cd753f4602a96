"""Clean: worker with a native session per thread, closed by a context manager; signal only sets an event."""
import contextlib
import ctypes
import ctypes.util
import os
import queue
import signal
import threading

_path = ctypes.util.find_library("sess")
if _path is None:
    raise ImportError("libsess is missing")
_lib = ctypes.CDLL(_path)  #! none
_lib.sess_open.argtypes = [ctypes.c_char_p]
_lib.sess_open.restype = ctypes.c_void_p
_lib.sess_send.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
_lib.sess_send.restype = ctypes.c_ssize_t
_lib.sess_close.argtypes = [ctypes.c_void_p]
_lib.sess_close.restype = None


@contextlib.contextmanager
def session(host):
    handle = _lib.sess_open(host.encode("idna"))
    if not handle:
        raise ConnectionError(host)
    try:
        yield handle
    finally:
        _lib.sess_close(handle)  #! none


def send(handle, data):
    sent = 0
    while sent < len(data):
        count = _lib.sess_send(handle, data[sent:], len(data) - sent)
        if count <= 0:
            raise ConnectionError("send")
        sent += count


class Worker(threading.Thread):
    def __init__(self, host, jobs, stop):
        super().__init__(daemon=True)
        self._host, self._jobs, self._stop = host, jobs, stop
        self._sent = 0
        self._lock = threading.Lock()

    def run(self):
        with session(self._host) as handle:
            while not self._stop.is_set():
                try:
                    data = self._jobs.get(timeout=1)
                except queue.Empty:
                    continue
                send(handle, data)
                with self._lock:
                    self._sent += 1

    @property
    def sent(self):
        with self._lock:
            return self._sent


def main(host):
    stop = threading.Event()
    jobs = queue.Queue(100)
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    workers = [Worker(host, jobs, stop) for _ in range(4)]
    for worker in workers:
        worker.start()
    stop.wait()
    for worker in workers:
        worker.join(5)
