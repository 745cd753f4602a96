"""Global hot keys through libkeygrab (a C library with a callback per key)."""
import ctypes
import sys
import threading

KeyHandler = ctypes.CFUNCTYPE(None, ctypes.c_uint, ctypes.c_void_p)

_grab = ctypes.CDLL("/usr/lib/x86_64-linux-gnu/libkeygrab.so.1")
_grab.kg_open.restype = ctypes.c_void_p
_grab.kg_open.argtypes = []
_grab.kg_bind.restype = ctypes.c_int
_grab.kg_bind.argtypes = [ctypes.c_void_p, ctypes.c_char_p, KeyHandler, ctypes.c_void_p]
_grab.kg_unbind_all.restype = None
_grab.kg_unbind_all.argtypes = [ctypes.c_void_p]
_grab.kg_loop.restype = ctypes.c_int
_grab.kg_loop.argtypes = [ctypes.c_void_p]
_grab.kg_close.restype = None
_grab.kg_close.argtypes = [ctypes.c_void_p]


class HotKeys:
    def __init__(self):
        self._context = _grab.kg_open()
        if not self._context:
            raise OSError("kg_open failed")
        self._actions = {}

    def bind(self, combo, action):
        def pressed(code, _data):
            try:
                action(combo)
            except Exception as exc:
                print(f"{combo}: {exc}", file=sys.stderr)

        self._actions[combo] = action
        rc = _grab.kg_bind(self._context, combo.encode(), KeyHandler(pressed), None)  # expect: CWE-416
        if rc != 0:
            raise OSError(f"cannot bind {combo}: {rc}")

    def start(self):
        worker = threading.Thread(target=_grab.kg_loop, args=(self._context,), daemon=True)
        worker.start()
        return worker


def main():
    keys = HotKeys()
    for combo in sys.argv[1:]:
        keys.bind(combo, print)
    keys.start().join()


if __name__ == "__main__":
    main()
