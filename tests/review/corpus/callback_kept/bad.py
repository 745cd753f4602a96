import ctypes

HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int)
lib = ctypes.CDLL("/usr/lib/libevent_source.so")
lib.set_handler.argtypes = [HANDLER]
lib.set_handler.restype = None


def on_event(code):
    print(code)


def watch():
    lib.set_handler(HANDLER(on_event))  # expect: CWE-416
