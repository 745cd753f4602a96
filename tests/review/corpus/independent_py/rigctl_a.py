"""Radio control: reads the dial of a transceiver through the maker's library."""
import ctypes
import logging
import weakref

log = logging.getLogger("rigctl")

rig = ctypes.CDLL("/usr/lib/rigmaker/librigmaker.so.2")
rig.rm_open.argtypes = [ctypes.c_char_p]
rig.rm_open.restype = ctypes.c_void_p
rig.rm_on_dial.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
rig.rm_on_dial.restype = ctypes.c_int
rig.rm_close.argtypes = [ctypes.c_void_p]
rig.rm_close.restype = None

DIAL = ctypes.CFUNCTYPE(None, ctypes.c_double)


class Dial:
    def __init__(self, port):
        self._rig = rig.rm_open(port.encode())
        if not self._rig:
            raise OSError(f"no rig on {port}")
        self._listeners = weakref.WeakSet()

    def listen(self, func):
        """Call func(hertz) whenever the dial moves."""
        thunk = DIAL(func)
        self._listeners.add(thunk)
        if rig.rm_on_dial(self._rig, ctypes.cast(thunk, ctypes.c_void_p)):  # expect: CWE-416
            raise OSError("cannot listen")

    def close(self):
        rig.rm_close(self._rig)  # expect: CWE-415

    def __del__(self):
        self.close()
