import ctypes

CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_int)
lib = ctypes.CDLL("libevents.so.1")


def listen(on_event):
    lib.set_handler(CALLBACK(on_event))  # bad


def subscribe(on_event):
    wrapped = CALLBACK(on_event)
    lib.events_register(1, wrapped)  # bad


class Watcher:
    def __init__(self):
        self._lib = ctypes.CDLL("libevents.so.1")
        self._lib.add_listener(CALLBACK(self.on_event))  # bad
        self._lib.on_close(CALLBACK(lambda code: None))  # bad

    def on_event(self, code):
        print(code)
