"""CAN logger: callbacks of the adapter's library fill a queue."""
import ctypes
import queue
import threading

RX = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint8), ctypes.c_uint8)


class Message(ctypes.Structure):
    _fields_ = [("ident", ctypes.c_uint32), ("length", ctypes.c_uint8), ("data", ctypes.c_uint8 * 8)]


def _library():
    lib = ctypes.CDLL("libcanusb.so")
    for name, restype, argtypes in (
        ("can_open", ctypes.c_void_p, [ctypes.c_char_p]),
        ("can_on_receive", ctypes.c_int, [ctypes.c_void_p, RX]),
        ("can_send", ctypes.c_int, [ctypes.c_void_p, ctypes.POINTER(Message)]),
        ("can_close", None, [ctypes.c_void_p]),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = restype, argtypes
    return lib


class CanError(Exception):
    pass


class Logger:
    def __init__(self, port):
        self._lib = _library()
        self._bus = self._lib.can_open(port.encode())
        if not self._bus:
            raise CanError(port)
        self.queue = queue.Queue()
        self._mutex = threading.Lock()
        self._seen = {}
        code = self._lib.can_on_receive(self._bus, RX(self._receive))  # expect: CWE-416
        if code != 0:
            raise CanError(f"receive {code}")  # expect: CWE-772

    def _receive(self, ident, data, length):
        frame = Message(ident=ident, length=length)
        ctypes.memmove(frame.data, data, length)  # expect: CWE-787
        self._mutex.acquire()
        if ident in self._seen and self._seen[ident] == bytes(frame.data):  # expect: CWE-667
            return
        self._seen[ident] = bytes(frame.data)
        self._mutex.release()
        self.queue.put(frame)

    def send(self, ident, payload):
        frame = Message(ident=ident, length=len(payload))
        ctypes.memmove(frame.data, payload, len(payload))  # expect: CWE-787
        if self._lib.can_send(self._bus, ctypes.byref(frame)) < 0:
            raise CanError("send")

    def close(self):
        self._lib.can_close(self._bus)

    def resend(self, frame):
        return self._lib.can_send(self._bus, ctypes.byref(frame))  # expect: CWE-416
