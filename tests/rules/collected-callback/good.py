import ctypes

CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_int)
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
lib = ctypes.CDLL("libevents.so.1")


@CALLBACK
def on_event(code):
    print(code)


lib.set_handler(on_event)  # good

_kept = []


def subscribe(function):
    wrapped = CALLBACK(function)
    _kept.append(wrapped)
    lib.events_register(1, wrapped)


def returned(function):
    wrapped = CALLBACK(function)
    lib.events_register(1, wrapped)
    return wrapped


class Watcher:
    def __init__(self):
        self._callback = CALLBACK(self.on_event)
        lib.add_listener(self._callback)  # good

    def on_event(self, code):
        print(code)


def sort(array, compare):
    lib.qsort(array, len(array), 8, COMPARE(compare))  # done with it when it returns


def serve(function):
    wrapped = CALLBACK(function)
    lib.set_handler(wrapped)
    while True:
        lib.wait()
