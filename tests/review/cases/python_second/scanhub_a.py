"""Flask front of a scanner bridge: each vendor ships a shared object with four functions."""
import ctypes
import logging
import os
import re
import threading

from flask import Flask, abort, jsonify, request

log = logging.getLogger("scanhub")
app = Flask(__name__)
BACKENDS = "/usr/lib/scanhub/backends"
NAME = re.compile(r"[a-z][a-z0-9]{1,15}")
_lock = threading.Lock()
_open = {}


class Page(ctypes.Structure):
    _fields_ = [("width", ctypes.c_uint32), ("height", ctypes.c_uint32), ("bytes", ctypes.POINTER(ctypes.c_ubyte))]


def backend(vendor):
    with _lock:
        if vendor in _open:
            return _open[vendor]
        path = os.path.join(BACKENDS, vendor + ".so")
        lib = ctypes.CDLL(path)  #! CWE-22
        lib.sh_open.restype = ctypes.c_void_p
        lib.sh_open.argtypes = [ctypes.c_char_p]
        lib.sh_scan.restype = ctypes.POINTER(Page)
        lib.sh_scan.argtypes = [ctypes.c_void_p, ctypes.c_int]
        lib.sh_free.argtypes = [ctypes.POINTER(Page)]
        lib.sh_free.restype = None
        lib.sh_close.argtypes = [ctypes.c_void_p]
        lib.sh_close.restype = None
        _open[vendor] = lib
        return lib


@app.post("/scan/<vendor>")
def scan(vendor):
    body = request.get_json()
    try:
        lib = backend(vendor)
    except (OSError, AttributeError, ValueError) as error:
        log.warning("no backend %r: %s", vendor, error)
        abort(404)
    device = lib.sh_open(body["device"].encode())
    if not device:
        abort(503)
    try:
        page = lib.sh_scan(device, int(body.get("dpi", 300)))
        width, height = page.contents.width, page.contents.height
        data = ctypes.string_at(page.contents.bytes, width * height)
        lib.sh_free(page)
        first = page.contents.bytes[0]  #! CWE-416
        return jsonify(width=width, height=height, first=first, size=len(data))
    finally:
        lib.sh_close(device)
