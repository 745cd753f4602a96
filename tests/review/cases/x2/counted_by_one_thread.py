import ctypes
import threading


class Kernel:
    """Loaded once as it is made, and then again by its own thread."""

    def __init__(self, path):
        self._path = path
        self._lock = threading.Lock()
        self._round = 0
        self._lib = self._open()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _open(self):
        self._round += 1  #! none CWE-567
        return ctypes.CDLL(self._path)

    def _reload(self):
        lib = self._open()
        with self._lock:
            self._lib = lib

    def _watch(self):
        while True:
            self._reload()

    def step(self):
        with self._lock:
            return self._lib.step()


class Counted:
    def __init__(self, path):
        self._lock = threading.Lock()
        self._round = 0
        self._lib = ctypes.CDLL(path)

    def step(self):
        self._round += 1  #! CWE-567
        with self._lock:
            return self._lib.step()
