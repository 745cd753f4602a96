"""Minimal bus client by cffi with owners for everything."""
import threading
from cffi import FFI

ffi = FFI()
ffi.cdef("""
typedef struct mb_bus mb_bus;
int mb_connect(mb_bus **out, const char *address);
void mb_unref(mb_bus *bus);
int mb_call(mb_bus *bus, const char *method, char **reply);
void mb_free_reply(char *reply);
typedef void (*mb_signal)(const char *name, void *user);
int mb_subscribe(mb_bus *bus, mb_signal fn, void *user);
""")
lib = ffi.dlopen("libminibus.so.0")


class BusError(OSError):
    pass


class Bus:
    def __init__(self, address):
        out = ffi.new("mb_bus **")
        code = lib.mb_connect(out, address.encode())
        if code < 0:
            raise BusError(-code, address)
        self._bus = ffi.gc(out[0], lib.mb_unref)
        self._keep = []
        self._lock = threading.Lock()

    def call(self, method):
        reply = ffi.new("char **")
        with self._lock:
            code = lib.mb_call(self._bus, method.encode(), reply)
        if code < 0:
            raise BusError(-code, method)
        try:
            return ffi.string(reply[0]).decode()
        finally:
            lib.mb_free_reply(reply[0])

    def subscribe(self, func):
        handle = ffi.new_handle(func)

        @ffi.callback("mb_signal")
        def relay(name, user):
            ffi.from_handle(user)(ffi.string(name).decode())

        self._keep.append((handle, relay))
        code = lib.mb_subscribe(self._bus, relay, handle)
        if code < 0:
            self._keep.pop()
            raise BusError(-code, "subscribe")
