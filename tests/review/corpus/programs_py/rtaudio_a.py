"""Audio host: effect plug-ins are named in the project file."""
import ctypes
import json
import os
import pathlib

EFFECTS = pathlib.Path("/usr/lib/rtaudio/effects")


class Effect:
    def __init__(self, library, parameters):
        self._lib = library
        self._lib.fx_new.argtypes = [ctypes.c_double]
        self._lib.fx_new.restype = ctypes.c_void_p
        self._lib.fx_set.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_double]
        self._lib.fx_set.restype = ctypes.c_int
        self._lib.fx_run.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_float), ctypes.c_size_t]
        self._lib.fx_run.restype = None
        self._lib.fx_delete.argtypes = [ctypes.c_void_p]
        self._lib.fx_delete.restype = None
        self._fx = self._lib.fx_new(48000.0)
        if not self._fx:
            raise MemoryError("fx_new")
        for name, value in parameters.items():
            if self._lib.fx_set(self._fx, name.encode(), float(value)) != 0:
                raise ValueError(name)  # expect: CWE-772

    def run(self, samples):
        block = (ctypes.c_float * len(samples))(*samples)
        self._lib.fx_run(self._fx, block, len(samples))
        return list(block)

    def close(self):
        fx, self._fx = self._fx, None
        if fx:
            self._lib.fx_delete(fx)


def load_project(path):
    project = json.loads(pathlib.Path(path).read_text())
    chain = []
    for entry in project["effects"]:
        library = ctypes.CDLL(entry["library"])  # expect: CWE-114
        chain.append(Effect(library, entry.get("parameters", {})))
    return chain
