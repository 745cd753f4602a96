"""Thumbnails by a worker pool over libthumb."""
import concurrent.futures
import ctypes
import os
import threading

_lib = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "libthumb.so"))
_lib.th_load.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)]
_lib.th_load.restype = ctypes.POINTER(ctypes.c_ubyte)
_lib.th_free.argtypes = [ctypes.POINTER(ctypes.c_ubyte)]
_lib.th_free.restype = None
_lib.th_progress.argtypes = [ctypes.c_void_p]
_lib.th_progress.restype = None
PROGRESS = ctypes.CFUNCTYPE(None, ctypes.c_int)

_done = 0
_done_lock = threading.Lock()
_plugins = {}


def thumb(path):
    global _done
    w, h = ctypes.c_int(), ctypes.c_int()
    pixels = _lib.th_load(path.encode(), ctypes.byref(w), ctypes.byref(h))
    data = ctypes.string_at(pixels, w.value * h.value * 4)  # expect: CWE-690
    _lib.th_free(pixels)
    with _done_lock:
        _done += 1
    return data


def plugin(kind):
    if kind not in _plugins:  # expect: CWE-362
        _plugins[kind] = ctypes.CDLL(f"/usr/lib/thumb/{kind}.so")  # expect: CWE-22
    return _plugins[kind]


def watch(func):
    _lib.th_progress(ctypes.cast(PROGRESS(func), ctypes.c_void_p))  # expect: CWE-416


def all_thumbs(paths):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        kinds = list(pool.map(plugin, sorted({os.environ.get("THUMB_KIND", "png")})))
        return list(pool.map(thumb, paths)), kinds
