"""A pump in a thread of its own: how it is stopped, and how others wait for its library."""

import ctypes
import threading


class Pump:
    def __init__(self, path):
        self._state = threading.Lock()
        self._ready = threading.Condition()
        self._quit = threading.Event()
        self._library = ctypes.CDLL(path)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._quit.wait(1):  #! none CWE-662
            with self._state:
                self._library.step()

    def stop_wrong(self):
        with self._state:
            self._quit.set()
            self._thread.join()  #! CWE-833

    def stop(self):
        with self._state:
            self._quit.set()
        self._thread.join()  #! none CWE-833

    def once(self):
        with self._ready:
            if self._library is None:
                self._ready.wait()  #! CWE-662
            return self._library.count()

    def asked(self):
        with self._ready:
            self._ready.wait_for(lambda: self._library is not None)  #! none CWE-662
            while self._library is None:
                self._ready.wait()  #! none CWE-662
            return self._library.count()


def load(path, table={}):
    with threading.Lock():  #! CWE-662
        if path not in table:
            table[path] = ctypes.CDLL(path)
    return table[path]


class Ticker(threading.Thread):
    """A thread by its class, which stops itself."""

    def __init__(self, path):
        super().__init__()
        self._lock = threading.Lock()
        self._library = ctypes.CDLL(path)
        self._over = False

    def run(self):
        while True:
            with self._lock:
                if self._over:
                    return
            self._library.tick()

    def end_wrong(self):
        with self._lock:
            self._over = True
            self.join()  #! CWE-833

    def end(self):
        with self._lock:
            self._over = True
        self.join()  #! none CWE-833


class Lazy:
    library = None

    def need(self, path):
        while self.library is None:  #! CWE-835
            try:
                self.library = ctypes.CDLL(path)
            except OSError:
                pass

    def need_one(self, paths):
        while self.library is None:  #! none CWE-835
            try:
                self.library = ctypes.CDLL(paths.pop())
            except OSError:
                pass
