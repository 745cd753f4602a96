"""Ring buffer shared with the audio engine."""
import ctypes
import threading

lib = ctypes.CDLL("libringmix.so.1")
lib.rx_attach.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
lib.rx_attach.restype = ctypes.c_int
lib.rx_detach.argtypes = []
lib.rx_detach.restype = None
lib.rx_level.argtypes = [ctypes.POINTER(ctypes.c_float), ctypes.c_int]
lib.rx_level.restype = ctypes.c_int


class Mixer:
    def __init__(self, frames):
        self.store = bytearray(frames * 4)
        view = (ctypes.c_char * len(self.store)).from_buffer(self.store)
        if lib.rx_attach(ctypes.addressof(view), len(self.store)) != 0:
            raise RuntimeError("attach")
        self.peak = 0.0
        self.lock = threading.Lock()
        threading.Thread(target=self.meter, daemon=True).start()

    def grow(self, frames):
        self.store.extend(b"\0" * frames * 4)  # expect: CWE-416

    def meter(self):
        level = ctypes.c_float()
        while lib.rx_level(ctypes.byref(level), 1) == 0:
            self.peak = max(self.peak, level.value)  # expect: CWE-362

    def reset(self):
        with self.lock:
            self.peak = 0.0
