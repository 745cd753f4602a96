"""Token sessions of a smart card module that can be changed at run time."""
import _ctypes
import ctypes
import weakref

CK_OK = 0


class Module:
    def __init__(self, path):
        self._lib = ctypes.CDLL(path)
        for name in ("tk_open", "tk_sign", "tk_close"):
            getattr(self._lib, name).restype = ctypes.c_int
        self._lib.tk_open.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
        self._lib.tk_sign.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]
        self._lib.tk_close.argtypes = [ctypes.c_void_p]
        self._sessions = weakref.WeakSet()

    def session(self):
        handle = ctypes.c_void_p()
        if self._lib.tk_open(ctypes.byref(handle)) != CK_OK:
            raise OSError("tk_open")
        session = Session(self._lib, handle)
        self._sessions.add(session)
        return session

    def unload(self):
        lib, self._lib = self._lib, None
        if lib is None:
            return
        for session in list(self._sessions):
            session.close()
        _ctypes.dlclose(lib._handle)


class Session:
    def __init__(self, lib, handle):
        self._lib = lib
        self._handle = handle

    def sign(self, data):
        if self._handle is None:
            raise ValueError("closed")
        out = ctypes.create_string_buffer(256)
        if self._lib.tk_sign(self._handle, data, len(data), out) != CK_OK:
            raise OSError("tk_sign")
        return out.raw

    def close(self):
        handle, self._handle = self._handle, None
        if handle is not None:
            self._lib.tk_close(handle)

    def __del__(self):
        self.close()


def rotate(old, path, payload):
    """Sign the hand-over with the old module, then change to the new one."""
    session = old.session()
    proof = session.sign(payload)
    old.unload()
    new = Module(path)
    return new, proof
