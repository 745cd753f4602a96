"""XML-RPC front of the numeric kernels; kernels are named by the caller."""
import ctypes
import threading
from ctypes import c_double, c_int, c_size_t
from xmlrpc.server import SimpleXMLRPCServer

KERNELS = ctypes.CDLL("/usr/local/lib/libkernels.so.5")
PUBLIC = {"sum": "k_sum", "mean": "k_mean", "dev": "k_dev"}
DARRAY = ctypes.POINTER(c_double)


class Table:
    """Rows kept for the callers; every request has a thread of its own."""

    def __init__(self):
        self._rows = {}
        self._rows_lock = threading.Lock()
        self._stat_lock = threading.Lock()
        self._calls = 0

    def put(self, name, values):
        with self._rows_lock:
            self._rows[name] = [float(v) for v in values]
            with self._stat_lock:
                self._calls += 1
        return True

    def run(self, kernel, name):
        with self._rows_lock:
            row = self._rows[name]
        with self._stat_lock:
            self._calls += 1
        function = getattr(KERNELS, PUBLIC[kernel])
        function.argtypes = [DARRAY, c_size_t, DARRAY]
        function.restype = c_int
        data = (c_double * len(row))(*row)
        out = c_double()
        if function(data, len(row), ctypes.byref(out)) != 0:
            raise ValueError(kernel)
        return out.value

    def patch(self, name, index, value):
        with self._rows_lock:
            self._rows[name][index] = float(value)
        return True


def serve(port=9108):
    table = Table()
    with SimpleXMLRPCServer(("127.0.0.1", port), allow_none=True) as server:
        server.register_instance(table)
        server.serve_forever()


if __name__ == "__main__":
    serve()
