import ctypes
from ctypes import c_char_p, c_void_p, wintypes

lib = ctypes.CDLL("/usr/lib/libwords.so.1")
libc = ctypes.CDLL(None)
kernel32 = ctypes.WinDLL("kernel32")
lib.word_stem.restype = c_char_p
lib.word_tags.restype = c_void_p
lib.word_free_string.argtypes = [c_void_p]
kernel32.GetModuleHandleW.restype = wintypes.HMODULE


def stem(word):
    return lib.word_stem(word)  # bad


def tags(word):
    address = lib.word_tags(word)
    if not address:
        return b""
    text = ctypes.string_at(address)
    libc.free(c_void_p(address))  # bad
    return text


def version():
    module = kernel32.GetModuleHandleW("user32.dll")
    kernel32.FreeLibrary(module)  # bad
