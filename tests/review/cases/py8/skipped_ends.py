"""What was begun is ended only when the caller's code does not raise."""

import contextlib
import ctypes
import os

lib = ctypes.CDLL("libscene.so.2")
for name in ("scene_freeze", "scene_thaw"):
    getattr(lib, name).argtypes = [ctypes.c_void_p]
    getattr(lib, name).restype = None


@contextlib.contextmanager
def frozen(scene):
    lib.scene_freeze(scene)
    yield scene  #! CWE-460
    lib.scene_thaw(scene)  #! none


@contextlib.contextmanager
def frozen_safely(scene):
    lib.scene_freeze(scene)
    try:
        yield scene
    finally:
        lib.scene_thaw(scene)  #! none


def inside(directory, work):
    before = os.getcwd()
    os.chdir(directory)
    result = work()  #! CWE-460
    os.chdir(before)
    return result


def inside_safely(directory, work):
    before = os.getcwd()
    os.chdir(directory)
    try:
        return work()
    finally:
        os.chdir(before)  #! none
