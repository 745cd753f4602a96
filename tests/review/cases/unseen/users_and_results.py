import ctypes
import threading
import weakref


class Pool:
    def __init__(self, path):
        self.path = path
        self._guard = threading.Lock()
        self._library = None
        self._users = 0

    def acquire(self):
        with self._guard:
            if self._library is None:
                self._library = ctypes.CDLL(self.path)
                self._library.dc_new.restype = ctypes.c_void_p
                self._library.dc_new.argtypes = [ctypes.c_int]
                self._library.dc_feed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
                self._library.dc_free.argtypes = [ctypes.c_void_p]
                self._library.dc_free.restype = None
            self._users += 1
            return self._library

    def release(self):
        with self._guard:
            self._users -= 1


class Decoder:
    def __init__(self, shared, profile):
        self._shared = shared
        self._library = shared.acquire()
        self._context = self._library.dc_new(profile)
        if not self._context:
            shared.release()
            raise ValueError(profile) #! none CWE-667
        self._final = weakref.finalize(self, self._free, self._library, self._context) #! none CWE-401

    def feed(self, data):
        if self._library.dc_feed(self._context, data, len(data)) != 0: #! none CWE-686
            raise ValueError("feed")

    @staticmethod
    def _free(library, context):
        library.dc_free(context)


class Held:
    def __init__(self, library):
        self._library = library
        self._final = weakref.finalize(self, self._free) #! CWE-401

    def _free(self):
        self._library.dc_stop()


class Lane:
    def __init__(self, lock):
        self._lock = lock
        self._library = ctypes.CDLL("liblane.so.1")

    def run(self, number):
        self._lock.acquire()
        code = self._library.lane_run(ctypes.c_int(number))
        if code != 0:
            return code
        self._lock.release()
        return 0


def statement(library, connection):
    handle = ctypes.c_void_p()
    library.SQLAllocHandle.argtypes = [ctypes.c_short, ctypes.c_void_p, ctypes.c_void_p]
    if library.SQLAllocHandle(3, connection, ctypes.byref(handle)) != 0: #! none CWE-686
        raise ValueError("handle")
    return handle
