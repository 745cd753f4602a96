"""A table declares every function: what it holds cannot be told from here, so nothing is claimed."""

import ctypes

lib = ctypes.CDLL("libfoo.so.1")
for name, arguments, result in (
    ("foo_open", [ctypes.c_char_p], ctypes.c_void_p),
    ("foo_close", [ctypes.c_void_p], None),
):
    function = getattr(lib, name)
    function.argtypes = arguments
    function.restype = result

handle = lib.foo_open(b"x")
lib.foo_close(handle)
