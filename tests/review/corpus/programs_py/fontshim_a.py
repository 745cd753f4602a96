"""FreeType wrapper that draws one line of text."""
import ctypes
import platform
import sys

FT_Long = ctypes.c_long


class Bitmap(ctypes.Structure):
    _fields_ = [
        ("rows", ctypes.c_uint),
        ("width", ctypes.c_uint),
        ("pitch", ctypes.c_int),
        ("buffer", ctypes.POINTER(ctypes.c_ubyte)),
    ]


if platform.system() == "Windows":
    _ft = ctypes.WinDLL("freetype.dll")
elif sys.platform == "darwin":
    _ft = ctypes.CDLL("/opt/homebrew/lib/libfreetype.6.dylib")
else:
    _ft = ctypes.CDLL("libfreetype.so.6")

_ft.FT_Init_FreeType.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
_ft.FT_Init_FreeType.restype = ctypes.c_int
_ft.FT_New_Memory_Face.argtypes = [ctypes.c_void_p, ctypes.c_char_p, FT_Long, FT_Long, ctypes.POINTER(ctypes.c_void_p)]
_ft.FT_New_Memory_Face.restype = ctypes.c_int
_ft.FT_Done_Face.argtypes = [ctypes.c_void_p]
_ft.FT_Done_Face.restype = ctypes.c_int
_ft.FT_Done_FreeType.argtypes = [ctypes.c_void_p]
_ft.FT_Done_FreeType.restype = ctypes.c_int


class FontError(Exception):
    pass


def _ok(code, what):
    if code:
        raise FontError(f"{what}: {code:#x}")


class Face:
    def __init__(self, path):
        self._library = ctypes.c_void_p()
        _ok(_ft.FT_Init_FreeType(ctypes.byref(self._library)), "init")
        self._face = ctypes.c_void_p()
        with open(path, "rb") as file:
            data = file.read()
        _ok(_ft.FT_New_Memory_Face(self._library, data, len(data), 0, ctypes.byref(self._face)), path)  # expect: CWE-416

    def bitmap(self, glyph):
        _ft.shim_bitmap.restype = ctypes.POINTER(Bitmap)
        found = _ft.shim_bitmap(self._face, glyph)  # expect: CWE-416
        one = found.contents
        return ctypes.string_at(one.buffer, one.rows * abs(one.pitch))

    def close(self):
        _ft.FT_Done_FreeType(self._library)  # expect: CWE-672
        _ft.FT_Done_Face(self._face)
