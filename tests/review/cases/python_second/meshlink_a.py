"""Unloads and reloads a mesh kernel while sessions run."""
import _ctypes
import ctypes
import sys
import threading
import time


class Kernel:
    def __init__(self, path):
        self._path = path
        self._lock = threading.Lock()
        self._lib = ctypes.CDLL(path)
        self._prototypes()
        self._users = 0

    def _prototypes(self):
        self._lib.mesh_area.argtypes = [ctypes.POINTER(ctypes.c_float), ctypes.c_size_t]
        self._lib.mesh_area.restype = ctypes.c_float
        self._lib.mesh_name.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        self._lib.mesh_name.restype = ctypes.c_size_t

    def area(self, points):
        array = (ctypes.c_float * len(points))(*points)
        return self._lib.mesh_area(array, len(points))

    def name(self):
        buffer = ctypes.create_string_buffer(64)
        self._lib.mesh_name(buffer, 256)  #! CWE-787
        return buffer.value.decode()

    def reload(self):
        area = self._lib.mesh_area
        with self._lock:
            handle = self._lib._handle
            self._lib = None
            _ctypes.dlclose(handle)
            self._lib = ctypes.CDLL(self._path)
            self._prototypes()
        probe = (ctypes.c_float * 3)(0, 0, 0)
        return area(probe, 3)  #! CWE-416


def watch(kernel, stop):
    while not stop.wait(5):
        try:
            kernel.reload()
        except OSError as error:
            print(error, file=sys.stderr)


def main(path):
    kernel = Kernel(path)
    stop = threading.Event()
    thread = threading.Thread(target=watch, args=(kernel, stop))
    thread.start()
    try:
        for _ in range(100):
            print(kernel.name(), kernel.area([0.0, 1.0, 2.0]))
            time.sleep(1)
    finally:
        stop.set()
        thread.join()


if __name__ == "__main__":
    main("/usr/lib/mesh/kernel.so")
