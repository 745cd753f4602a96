"""Reading tags: the C API fills a structure with a count."""
import ctypes

MAX_UID = 10


class Target(ctypes.Structure):
    _fields_ = [("uid", ctypes.c_ubyte * MAX_UID), ("uid_len", ctypes.c_size_t), ("sak", ctypes.c_ubyte)]


nfc = ctypes.CDLL("libnfcx.so.6")
nfc.nfcx_select.argtypes = [ctypes.c_void_p, ctypes.POINTER(Target)]
nfc.nfcx_select.restype = ctypes.c_int
nfc.nfcx_transceive.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
nfc.nfcx_transceive.restype = ctypes.c_int


class TagError(OSError):
    pass


def select(device):
    target = Target()
    nfc.nfcx_select(device, ctypes.byref(target))  # expect: CWE-252
    return bytes(target.uid[: target.uid_len]), target.sak


def exchange(device, command):
    answer = ctypes.create_string_buffer(64)
    got = nfc.nfcx_transceive(device, command, len(command), answer, 264)  # expect: CWE-787
    if got < 0:
        raise TagError("transceive")
    return answer.raw[:got]
