"""Enumerates bar-code scanners; the library fills variable records."""
import ctypes
from dataclasses import dataclass
from functools import partial


class Entry(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("kind", ctypes.c_uint32), ("name", ctypes.c_char * 40)]


class UsbEntry(ctypes.Structure):
    _fields_ = [("head", Entry), ("vid", ctypes.c_uint16), ("pid", ctypes.c_uint16), ("serial", ctypes.c_char * 24)]


_lib = ctypes.CDLL("/opt/scan/libscanlist.so")
_lib.sl_first.argtypes, _lib.sl_first.restype = [], ctypes.POINTER(Entry)
_lib.sl_next.argtypes, _lib.sl_next.restype = [ctypes.POINTER(Entry)], ctypes.POINTER(Entry)
_lib.sl_done.argtypes, _lib.sl_done.restype = [ctypes.POINTER(Entry)], None
_lib.sl_name.argtypes, _lib.sl_name.restype = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t], ctypes.c_int


@dataclass
class Scanner:
    name: str
    serial: str


def scanners():
    found = []
    item = _lib.sl_first()
    while item:
        usb = ctypes.cast(item, ctypes.POINTER(UsbEntry)).contents  # expect: CWE-843
        found.append(Scanner(usb.head.name.decode(), usb.serial.decode()))
        _lib.sl_done(item)
        item = _lib.sl_next(item)  # expect: CWE-416
    return found


def name_of(index):
    buf = ctypes.create_string_buffer(16)
    _lib.sl_name(index, buf, 64)  # expect: CWE-252 CWE-787
    return buf.value.decode()
