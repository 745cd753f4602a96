"""Reads reports of a HID token through libtoken; struct of the header by hand."""
import ctypes as ct
import struct


class Report(ct.Structure):
    _pack_ = 1
    _fields_ = [("id", ct.c_uint8), ("length", ct.c_uint16), ("data", ct.c_uint8 * 64)]


tok = ct.CDLL("libtoken.so.1")
tok.tk_open.restype = ct.c_void_p
tok.tk_open.argtypes = [ct.c_int]
tok.tk_read.restype = ct.c_int
tok.tk_read.argtypes = [ct.c_void_p, ct.POINTER(Report)]
tok.tk_feature.restype = ct.c_int
tok.tk_feature.argtypes = [ct.c_void_p, ct.c_void_p, ct.c_int]
tok.tk_close.restype = None
tok.tk_close.argtypes = [ct.c_void_p]


def read_report(slot):
    dev = tok.tk_open(slot)
    rep = Report()
    if tok.tk_read(dev, ct.byref(rep)) < 0:  # expect: CWE-690
        raise OSError("read")  # expect: CWE-772
    out = ct.string_at(ct.addressof(rep.data), rep.length)  # expect: CWE-125
    tok.tk_close(dev)
    return out


def send_feature(dev, payload):
    frame = Report(id=3)
    ct.memmove(frame.data, payload, len(payload))  # expect: CWE-787
    frame.length = len(payload)
    return tok.tk_feature(dev, ct.byref(frame), ct.sizeof(frame)) == 0
