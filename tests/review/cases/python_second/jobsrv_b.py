"""http.server front of a native solver; a job names a model library that must be listed."""
import ctypes
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

MODELS = Path("/srv/models")
ALLOWED = {"cubic": "libcubic.so", "spline": "libspline.so"}


class Solver:
    count = 0
    libs = {}
    lock = threading.Lock()

    def library(self, name):
        file = ALLOWED.get(name)
        if file is None:
            raise KeyError(name)
        with self.lock:
            if name not in self.libs:
                self.libs[name] = ctypes.CDLL(str(MODELS / file))  #! none
            return self.libs[name]

    def solve(self, name, values):
        lib = self.library(name)
        count = len(values)
        array = (ctypes.c_double * count)(*values)
        out = (ctypes.c_double * count)()
        lib.solve.argtypes = [ctypes.POINTER(ctypes.c_double), ctypes.c_size_t, ctypes.POINTER(ctypes.c_double)]
        lib.solve.restype = ctypes.c_int
        status = lib.solve(array, count, out)
        if status < 0:
            raise ValueError(f"solve: {status}")
        with self.lock:
            Solver.count += 1
        return list(out)


SOLVER = Solver()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        query = parse_qs(urlparse(self.path).query)
        length = int(self.headers.get("Content-Length", "0"))
        if length > 1 << 20:
            self.send_error(413)
            return
        try:
            values = json.loads(self.rfile.read(length))
            answer = SOLVER.solve(query["model"][0], [float(v) for v in values])
        except (KeyError, ValueError, OSError) as error:
            self.send_error(400, str(error))
            return
        body = json.dumps({"values": answer, "served": SOLVER.count}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
