"""Effects of the audio farm: every customer may bring own effect libraries."""
import ctypes
import logging
import os
from collections import OrderedDict
from pathlib import Path

log = logging.getLogger(__name__)
STORE = Path("/srv/fxfarm/tenants")


class EffectCache:
    """Least recently used effects stay loaded."""

    def __init__(self, size=32):
        self._size = size
        self._effects = OrderedDict()

    def effect(self, tenant, name):
        if name in self._effects:  # expect: CWE-706
            self._effects.move_to_end(name)
            return self._effects[name]
        path = STORE / str(int(tenant)) / "fx" / f"{self._plain(name)}.so"
        lib = ctypes.CDLL(str(path))
        lib.fx_process.argtypes = [ctypes.POINTER(ctypes.c_float), ctypes.c_size_t]
        lib.fx_process.restype = ctypes.c_int
        self._effects[name] = lib
        while len(self._effects) > self._size:
            self._effects.popitem(last=False)
        return lib

    @staticmethod
    def _plain(name):
        if not name.isalnum():
            raise ValueError("effect name")
        return name


def install(tenant, name, data):
    folder = STORE / str(int(tenant)) / "fx"
    folder.mkdir(parents=True, exist_ok=True, mode=0o777)
    target = folder / f"{EffectCache._plain(name)}.so"
    target.write_bytes(data)
    target.chmod(0o755)


def process(cache, job):
    samples = (ctypes.c_float * len(job["samples"]))(*job["samples"])
    try:
        lib = cache.effect(job["tenant"], job["effect"])
        lib.fx_process(samples, len(samples))
    except Exception:
        return job["samples"]
    return list(samples)
