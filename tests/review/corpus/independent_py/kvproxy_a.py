"""Cache proxy: storage engines are libraries named by the operator's clients."""
import ctypes
import json
import os
import socketserver
import tempfile
from functools import lru_cache

BASE = "/usr/lib/kvproxy/engines/"


@lru_cache(maxsize=None)
def engine(name):
    return ctypes.CDLL(BASE + name)  # expect: CWE-22


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for raw in self.rfile:
            msg = json.loads(raw)
            eng = engine(msg["engine"])
            op = getattr(eng, "kv_" + msg["op"])  # expect: CWE-20
            key = msg["key"].encode()
            out = ctypes.create_string_buffer(1024)
            size = ctypes.c_size_t(4096)
            op(key, len(key), out, ctypes.byref(size))  # expect: CWE-787
            self.wfile.write(out.raw[: size.value])


def swap_in(upload):
    fd, path = tempfile.mkstemp(suffix=".so")
    os.write(fd, upload)
    os.close(fd)
    os.chmod(path, 0o777)  # expect: CWE-732
    dest = os.path.join("/var/tmp", "kvproxy-engine.so")
    os.replace(path, dest)
    return ctypes.CDLL(dest)


if __name__ == "__main__":
    socketserver.ThreadingTCPServer(("", 7777), Client).serve_forever()
