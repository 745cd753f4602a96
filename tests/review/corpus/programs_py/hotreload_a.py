"""Reload the physics kernel while the game runs."""
import _ctypes
import ctypes
import os
import shutil
import tempfile

STEP = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)


class Kernel:
    def __init__(self, source):
        self._source = source
        self._stamp = 0.0
        self._lib = None
        self._step = None
        self._folder = tempfile.mkdtemp(prefix="kernel-")
        self._round = 0

    def _load(self):
        self._round += 1
        copy = os.path.join(self._folder, f"kernel{self._round}.so")
        shutil.copyfile(self._source, copy)
        self._lib = ctypes.CDLL(copy)
        if self._step is None:
            self._step = ctypes.cast(self._lib.kernel_step, STEP)

    def refresh(self):
        stamp = os.stat(self._source).st_mtime
        if stamp == self._stamp:
            return
        if self._lib is not None:
            _ctypes.dlclose(self._lib._handle)
            self._lib = None
        self._load()
        self._stamp = stamp

    def advance(self, seconds):
        self.refresh()
        return self._step(seconds)  # expect: CWE-416

    def close(self):
        if self._lib is not None:
            self._step = None
            _ctypes.dlclose(self._lib._handle)
            self._lib = None
        shutil.rmtree(self._folder, ignore_errors=True)
