"""The library was loaded elsewhere in the file and is handed to whoever calls it."""

import ctypes

ON = ctypes.CFUNCTYPE(None, ctypes.c_int)

PROTOTYPES = {"radar_listen": (None, [ctypes.c_void_p, ON]), "radar_stop": (None, [ctypes.c_void_p])}


def load(path="/opt/radar/libradar.so.1"):
    lib = ctypes.CDLL(path)
    for name, (result, arguments) in PROTOTYPES.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Session:
    def __init__(self, sdk, handle):
        self._sdk = sdk
        self._handle = handle

    def start(self):
        sink = ON(self._seen)
        self._sdk.radar_listen(self._handle, sink)  # bad

    def _seen(self, value):
        print(value)


def watch(lib, handle):
    def seen(value):
        print(value)

    lib.radar_listen(handle, ON(seen))  # bad
    return handle


class Named:
    def __init__(self, *, native):
        self.native = native
        kept = ON(print)
        self.native.radar_listen(None, kept)  # bad


def main(handle):
    sdk = load()
    Session(sdk, handle).start()
    watch(sdk, handle)
    Named(native=sdk)
