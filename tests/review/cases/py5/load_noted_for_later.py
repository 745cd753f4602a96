"""An adapter that may be missing: the module says so, and its classes ask."""

import ctypes
import logging

log = logging.getLogger(__name__)

_READY = False
try:
    adapter = ctypes.CDLL("libadapter.so.3")
    adapter.ad_send.argtypes = [ctypes.c_char_p]
    adapter.ad_send.restype = ctypes.c_int
    _READY = True
except OSError as error:  #! none CWE-390
    log.warning("no adapter: %s", error)

try:
    tracer = ctypes.CDLL("libtracer.so.1")
    tracer.tr_mark.argtypes = []
    tracer.tr_mark.restype = None
except OSError as error:  #! CWE-390
    log.warning("no tracer: %s", error)


class Adapter:
    def __init__(self):
        if not _READY:
            raise RuntimeError("no adapter is installed")

    def send(self, data):
        tracer.tr_mark()
        if adapter.ad_send(data) != 0:
            raise OSError("send")
