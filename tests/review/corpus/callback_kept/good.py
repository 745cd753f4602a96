import ctypes

HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int)
lib = ctypes.CDLL("/usr/lib/libevent_source.so")
lib.set_handler.argtypes = [HANDLER]
lib.set_handler.restype = None


class Watcher:
    def on_event(self, code):
        print(code)

    def watch(self):
        self._handler = HANDLER(self.on_event)  # evidence: lifecycle
        lib.set_handler(self._handler)
