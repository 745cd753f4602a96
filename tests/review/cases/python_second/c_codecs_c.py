"""Clean: codecs table, lazily loaded once, sizes taken from the buffers."""
import ctypes
import functools
import logging
import os
import sys
import threading

log = logging.getLogger(__name__)
_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "codecs")
_KNOWN = ("lz", "rle", "delta")
_lock = threading.Lock()
_loaded = {}


def codec(name):
    if name not in _KNOWN:
        raise LookupError(name)
    with _lock:
        found = _loaded.get(name)
        if found is None:
            suffix = ".dll" if sys.platform == "win32" else ".so"
            found = _loaded[name] = _declare(ctypes.CDLL(os.path.join(_FOLDER, name + suffix)))  #! none
    return found


def _declare(lib):
    lib.bound.argtypes = [ctypes.c_size_t]
    lib.bound.restype = ctypes.c_size_t
    lib.encode.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)]
    lib.encode.restype = ctypes.c_int
    return lib


def encode(name, data):
    lib = codec(name)
    out = ctypes.create_string_buffer(lib.bound(len(data)))
    size = ctypes.c_size_t(len(out))
    status = lib.encode(data, len(data), out, ctypes.byref(size))
    if status != 0:
        raise ValueError(f"{name}: {status}")
    return ctypes.string_at(out, min(size.value, len(out)))


@functools.lru_cache(maxsize=1)
def available():
    found = []
    for name in _KNOWN:
        try:
            codec(name)
        except OSError as error:
            log.info("no codec %s: %s", name, error)
        else:
            found.append(name)
    return tuple(found)
