"""A function of the function is a callback object by its decorator, and dies with the call."""

import cffi

ffi = cffi.FFI()
ffi.cdef("""
    typedef void (*relay_log)(int level, void *context);
    void relay_set_log(void *relay, relay_log function, void *context);
    void relay_subscribe(void *relay, relay_log function);
""")
lib = ffi.dlopen("librelay.so.3")


def listen(relay, tell):
    @ffi.callback("relay_log")
    def thunk(level, context):
        tell(level)

    lib.relay_set_log(relay, thunk, ffi.NULL)  # bad


class Relay:
    def __init__(self, relay):
        self._relay = relay

    def subscribe(self, tell):
        @ffi.callback("void(int, void *)")
        def seen(level, context):
            tell(level)

        lib.relay_subscribe(self._relay, seen)  # bad

    def attach(self):
        def seen(level, context):
            print(level)

        made = ffi.callback("relay_log", seen)
        lib.relay_subscribe(self._relay, made)  # bad
