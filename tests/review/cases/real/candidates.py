"""Candidates that a generator gives, and whoever iterates tests; beside one that nobody tests."""

import ctypes
import ctypes.util
import tempfile
import os


def candidates(suffixes):
    for suffix in suffixes:
        core = ctypes.util.find_library("PaintCore" + suffix)  #! none CWE-252
        brush = ctypes.util.find_library("PaintBrush" + suffix)  #! none CWE-252
        yield brush, core


def load(suffixes):
    for brush, core in candidates(suffixes):
        if brush is None or core is None:
            continue
        try:
            return ctypes.CDLL(brush), ctypes.CDLL(core)
        except OSError:
            continue
    raise OSError("no paint library")


def blindly(suffix):
    return ctypes.CDLL(ctypes.util.find_library("PaintCore" + suffix))  #! CWE-252/476/690/754


def c_library():
    for name in ("libc.so", "libc.dylib", "/usr/lib/libc.dylib"):
        try:
            return ctypes.CDLL(name)  #! none CWE-427
        except OSError:
            continue
    raise OSError("no C library")


def beside():
    return ctypes.CDLL("build/paint.so")  #! CWE-427


def show(image, kind):
    path = tempfile.mktemp(suffix=".png")  #! CWE-377
    image.save(path)
    os.system("open " + path)  #! none CWE-78


def run(image):
    os.system("open " + os.environ["PICTURE"])  #! CWE-78
    return ctypes.CDLL("/usr/lib/paint/paint.so")
