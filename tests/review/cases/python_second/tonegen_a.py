"""Tone generator over a native mixer: the mixer pulls samples by a callback on a thread of its own."""
import array
import atexit
import ctypes
import ctypes.util
import signal
import sys
import threading

PULL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_size_t, ctypes.c_void_p)


def load():
    name = ctypes.util.find_library("mixer")
    if name is None:
        sys.exit("tonegen: libmixer is not installed")
    lib = ctypes.CDLL(name)
    lib.mixer_start.argtypes = [ctypes.c_uint, PULL, ctypes.c_void_p]
    lib.mixer_start.restype = ctypes.c_int
    lib.mixer_set_table.argtypes = [ctypes.POINTER(ctypes.c_int16), ctypes.c_size_t]
    lib.mixer_set_table.restype = None
    lib.mixer_stop.argtypes = []
    lib.mixer_stop.restype = ctypes.c_int
    return lib


class Tone:
    def __init__(self, lib, rate):
        self._lib = lib
        self._rate = rate
        self._guard = threading.Lock()
        self._phase = 0
        self._table = None
        self._pull = None
        self._running = False

    def _fill(self, out, count, _context):
        with self._guard:
            for position in range(count):
                out[position] = self._table[self._phase % len(self._table)]
                self._phase += 1
        return 0

    def start(self, samples):
        table = array.array("h", samples)
        buffer = (ctypes.c_int16 * len(table)).from_buffer(table)
        self._table = list(samples)
        self._lib.mixer_set_table(buffer, len(table))
        status = self._lib.mixer_start(self._rate, PULL(self._fill), None)  #! CWE-416
        if status != 0:
            raise RuntimeError(f"mixer_start: {status}")
        self._running = True

    def stop(self):
        if self._running:
            self._running = False
            self._lib.mixer_stop()


def main():
    lib = load()
    tone = Tone(lib, 48000)
    tone.start(range(-3000, 3000, 40))
    done = threading.Event()

    def on_term(_number, _frame):
        with tone._guard:  #! CWE-833
            tone.stop()

    signal.signal(signal.SIGTERM, on_term)
    atexit.register(tone.stop)
    done.wait()


if __name__ == "__main__":
    main()
