"""A handle of many users, given back and left in its name."""

import atexit
import ctypes

lib = ctypes.CDLL("libfont.so.1")
lib.font_open.argtypes = [ctypes.c_char_p]
lib.font_open.restype = ctypes.c_void_p
lib.font_width.argtypes = [ctypes.c_void_p]
lib.font_width.restype = ctypes.c_int
lib.font_close.argtypes = [ctypes.c_void_p]
lib.font_close.restype = None

_default = None
_other = None
_fonts = {}
_sizes = {}


def opened(name):
    font = lib.font_open(name)
    if not font:
        raise OSError(name)
    return font


def default():
    global _default
    if _default is None:
        _default = opened(b"serif")
    return _default


def drop_default():
    lib.font_close(_default)  #! CWE-416


def other():
    global _other
    if not _other:
        _other = opened(b"mono")
    return _other


def drop_other():
    global _other
    lib.font_close(_other)  #! none
    _other = None


@atexit.register
def at_end():
    if _default:
        lib.font_close(_default)  #! none


class Shared:
    _handle = None
    _users = 0

    @classmethod
    def take(cls):
        if not cls._handle:
            cls._handle = opened(b"sans")
        cls._users += 1
        return cls._handle

    @classmethod
    def give(cls):
        cls._users -= 1
        if not cls._users:
            lib.font_close(cls._handle)  #! CWE-416


class Cleared:
    _handle = None
    _users = 0

    @classmethod
    def take(cls):
        if not cls._handle:
            cls._handle = opened(b"sans")
        cls._users += 1
        return cls._handle

    @classmethod
    def give(cls):
        cls._users -= 1
        if not cls._users:
            font, cls._handle = cls._handle, None
            lib.font_close(font)  #! none


def named(name):
    if name not in _fonts:
        _fonts[name] = opened(name)
    font = _fonts[name]
    return lib.font_width(font)


def drop_named(name):
    lib.font_close(_fonts[name])  #! CWE-416/CWE-672


def sized(name):
    if name not in _sizes:
        _sizes[name] = opened(name)
    return lib.font_width(_sizes[name])


def drop_sized(name):
    lib.font_close(_sizes[name])  #! none
    del _sizes[name]
